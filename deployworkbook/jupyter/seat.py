"""A learner's server below a hub: copy the lessons, then start it with the lab's settings.

JupyterHub starts ``python -m deployworkbook.jupyter.seat`` as the learner, in a container, a unit
of systemd or a process, so nothing here needs more rights than the learner has.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from deployworkbook.jupyter.installing import install_all
from deployworkbook.jupyter.lab import options
from deployworkbook.jupyter.schemas import forget_grammars
from deployworkbook.workspace.folder import Workspace, current_workspace

# Seconds. A browser answers a ping even while its page is busy, but the server of a busy machine
# may read the answer late; and proxies drop a connection on which nothing moves for 60 seconds.
PING_S = 50

# An idle kernel keeps its memory. The learner who comes back after this time runs the cells again.
IDLE_KERNEL_S = 45 * 60

# The hub says where to listen and opens no browser; classes of the kernels are replaced below.
HUB_DECIDES = ("ServerApp.ip", "ServerApp.open_browser", "LabApp.default_url")
REPLACED = ("ServerApp.kernel_websocket_connection_class",)


def server_options(workspace: Workspace) -> list[str]:
    """Return the options of a learner's server: the lab's, with kernels whose memory is bounded."""
    left_out = tuple(f"--{name}=" for name in (*HUB_DECIDES, *REPLACED))
    given = [
        each
        for each in options(workspace, port=None, open_browser=False)
        if not each.startswith(left_out)
    ]
    classes = "deployworkbook.jupyter"
    own: dict[str, object] = {
        "ServerApp.kernel_manager_class": f"{classes}.bounded_kernels.BoundedKernels",
        "ServerApp.kernel_websocket_connection_class": f"{classes}.explained.ExplainedConnection",
        "ServerApp.websocket_ping_interval": PING_S,
        "ServerApp.websocket_ping_timeout": PING_S,
        "MappingKernelManager.cull_idle_timeout": IDLE_KERNEL_S,
        "MappingKernelManager.cull_interval": 60,
        # A forgotten tab keeps its connection.
        "MappingKernelManager.cull_connected": True,
    }
    return given + [f"--{name}={value}" for name, value in own.items()]


def first_page(workspace: Workspace) -> str:
    """Return the path of the page on which the lab begins."""
    name = "--LabApp.default_url="
    given = options(workspace, port=None, open_browser=False)
    return next(each.removeprefix(name) for each in given if each.startswith(name))


def main(arguments: Sequence[str] | None = None) -> None:
    """Copy the lessons into this process's workspace, then serve it until the hub stops it."""
    workspace = current_workspace()
    install_all(workspace)
    forget_grammars()
    os.environ.setdefault("JUPYTERHUB_DEFAULT_URL", first_page(workspace))
    from jupyterhub.singleuser import main as serve

    from deployworkbook.jupyter.lab_log import quieten

    quieten()
    given = list(sys.argv[1:] if arguments is None else arguments)
    serve([*server_options(workspace), *given])


if __name__ == "__main__":
    main()
