"""Kernels that use the interpreter that runs the command.

Jupyter starts the kernel that a kernelspec file names, and the nearest ``python3`` file on a
machine may belong to another environment, without this package. These managers read no such files:
they know one kernel, ``sys.executable -m ipykernel_launcher``.

JupyterLab takes it by
``--ServerApp.kernel_spec_manager_class=deployworkbook.jupyter.kernels.InterpreterKernelSpecManager``.
"""

from __future__ import annotations

from ipykernel.kernelspec import RESOURCES, get_kernel_dict
from jupyter_client.kernelspec import (
    NATIVE_KERNEL_NAME,
    KernelSpec,
    KernelSpecManager,
    NoSuchKernel,
)
from jupyter_client.manager import AsyncKernelManager
from traitlets import default

from deployworkbook.telemetry import ENVIRONMENT

DISPLAY_NAME = "Python 3 (deployworkbook)"


class InterpreterKernelSpecManager(KernelSpecManager):
    """Lists one kernel, ``python3``: this very interpreter.

    >>> list(InterpreterKernelSpecManager().get_all_specs())
    ['python3']
    """

    def find_kernel_specs(self) -> dict[str, str]:
        """Map the one kernel's name to the folder of ipykernel's logos."""
        return {NATIVE_KERNEL_NAME: str(RESOURCES)}

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Describe the one kernel.

        Raises:
            NoSuchKernel: Another name was asked for.
        """
        if kernel_name.lower() != NATIVE_KERNEL_NAME:
            raise NoSuchKernel(kernel_name)
        description = get_kernel_dict() | {"display_name": DISPLAY_NAME}
        return self.kernel_spec_class(
            name=NATIVE_KERNEL_NAME,
            resource_dir=str(RESOURCES),
            env=dict(ENVIRONMENT),
            **description,
        )


class InterpreterKernelManager(AsyncKernelManager):
    """Starts that kernel; what papermill takes as ``kernel_manager_class``."""

    @default("kernel_spec_manager")
    def _kernel_spec_manager_default(self) -> KernelSpecManager:
        return InterpreterKernelSpecManager(parent=self)
