"""Kernels that run in the same interpreter as the command.

Jupyter starts kernels from kernelspec files, and the first ``python3`` spec it finds may belong to
another environment without this package. These managers ignore such files and offer one kernel,
``sys.executable -m ipykernel_launcher``.

Enable it in JupyterLab with
``--ServerApp.kernel_spec_manager_class=deployworkbook.jupyter.kernels.InterpreterKernelSpecManager``.
"""

from __future__ import annotations

from ipykernel.kernelspec import RESOURCES, get_kernel_dict
from jupyter_client.asynchronous.client import AsyncKernelClient
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


class QuietKernelClient(AsyncKernelClient):
    """Talk to a kernel of this machine without a heartbeat.

    The manager sees the kernel's process, so nobody asks for the heartbeat. Its thread has kept a
    run from ending: the client waits for it without a limit, after the manager has closed the
    sockets that the thread uses.
    """

    def start_channels(
        self,
        shell: bool = True,
        iopub: bool = True,
        stdin: bool = True,
        hb: bool = True,
        control: bool = True,
    ) -> None:
        """Start all channels but the heartbeat's; ``hb`` is ignored."""
        super().start_channels(shell=shell, iopub=iopub, stdin=stdin, hb=False, control=control)


class InterpreterKernelManager(AsyncKernelManager):
    """Start that kernel; pass this to papermill as ``kernel_manager_class``."""

    @default("client_factory")
    def _client_factory_default(self) -> type[QuietKernelClient]:
        return QuietKernelClient

    @default("kernel_spec_manager")
    def _kernel_spec_manager_default(self) -> KernelSpecManager:
        return InterpreterKernelSpecManager(parent=self)
