"""Kernels that run in the same interpreter as the command.

Jupyter starts kernels from kernelspec files, and the first ``python3`` spec it finds may belong to
another environment without this package. These managers ignore such files and offer one kernel,
``sys.executable -m ipykernel_launcher``.

Enable it in JupyterLab with
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
    """List a single kernel, ``python3``: this interpreter.

    >>> list(InterpreterKernelSpecManager().get_all_specs())
    ['python3']
    """

    def find_kernel_specs(self) -> dict[str, str]:
        """Map the kernel's name to the folder of ipykernel's logos."""
        return {NATIVE_KERNEL_NAME: str(RESOURCES)}

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return the spec of the kernel.

        Raises:
            NoSuchKernel: The name is not ``python3``.
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
    """Start that kernel; pass this to papermill as ``kernel_manager_class``."""

    @default("kernel_spec_manager")
    def _kernel_spec_manager_default(self) -> KernelSpecManager:
        return InterpreterKernelSpecManager(parent=self)
