"""Start JupyterLab on a learner's folder."""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
from pathlib import Path
from typing import NoReturn

from deployworkbook.jupyter.installing import in_words, install_all
from deployworkbook.jupyter.lesson_list import LESSON_LIST
from deployworkbook.jupyter.schemas import forget_grammars
from deployworkbook.workspace.files import write_atomically
from deployworkbook.workspace.folder import ENVIRONMENT_VARIABLE, Workspace
from deployworkbook.workspace.users import is_root

# Without these, JupyterLab would ask about news and updates in the first session, lose the state of
# widgets when a notebook is saved, and show the lists of lessons and terms as source text.
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
    },
    "@jupyter-widgets/jupyterlab-manager:plugin": {"saveState": True},
    "@jupyterlab/docmanager-extension:plugin": {
        "defaultViewers": {"markdown": "Markdown Preview"},
    },
}
# Windows and panels in the first session: the file browser is closed, which leaves more room for
# lessons. JupyterLab keeps a learner's own arrangement from then on.
LAYOUT = {"layout-restorer:data": {"left": {"collapsed": True, "visible": True}}}
LAYOUT_NAME = "default"
# Extensions of JupyterLab's pages, as prebuilt as JupyterLab wants them.
EXTENSIONS = Path(__file__).parent / "labextensions"
ADDRESS = "127.0.0.1"


def start(workspace: Workspace, *, port: int | None = None, open_browser: bool = True) -> NoReturn:
    """Copy the lessons into a workspace and serve JupyterLab there until it is stopped.

    The server is reachable from this machine only, asks for its token, and offers one kernel: the
    current interpreter.

    Args:
        workspace: The learner's folder.
        port: Port to listen on; by default the first free one from 8888.
        open_browser: Whether to open the list of lessons in a browser.

    Raises:
        OSError: The port is in use, or the folder is not writable.
    """
    if port is not None:
        check_port_is_free(port)
    print(in_words(workspace, install_all(workspace)))
    os.environ[ENVIRONMENT_VARIABLE] = str(workspace.root)

    # Imported here because it takes a second.
    forget_grammars()
    from jupyterlab.labapp import LabApp

    from deployworkbook.jupyter.lab_log import quieten

    quieten()
    LabApp.launch_instance(argv=options(workspace, port=port, open_browser=open_browser))
    # The server and its kernels have ended, but an idle worker thread of its library may remain,
    # and Python would wait for that thread forever.
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)


def options(workspace: Workspace, *, port: int | None, open_browser: bool) -> list[str]:
    """Return JupyterLab's command-line options; write the files they refer to."""
    settings = workspace.records / "lab" / "settings"
    write_atomically(settings / "overrides.json", json.dumps(SETTINGS, indent=1))
    layouts = workspace.records / "lab" / "workspaces"
    _write_first_layout(layouts)
    given: dict[str, object] = {
        "ServerApp.ip": ADDRESS,
        "ServerApp.root_dir": workspace.root,
        "ServerApp.open_browser": open_browser,
        "ServerApp.kernel_spec_manager_class": (
            "deployworkbook.jupyter.kernels.InterpreterKernelSpecManager"
        ),
        "ServerApp.kernel_websocket_connection_class": (
            "deployworkbook.jupyter.connection.PromptConnection"
        ),
        "ServerApp.contents_manager_class": "deployworkbook.jupyter.contents.FreshLessonList",
        # Ctrl-C stops it without asking.
        "ServerApp.answer_yes": True,
        "ServerApp.log_level": "WARN",
        "LabApp.log_level": "WARN",
        # Otherwise each kernel warns that its traffic with the server can be read.
        "KernelManager.transport_encryption": "auto",
        "LabApp.default_url": f"/lab/tree/{LESSON_LIST}",
        "LabApp.app_settings_dir": settings,
        # From the package rather than installed, so that no other project's JupyterLab has them.
        "LabApp.extra_labextensions_path": EXTENSIONS,
        # Separate from other projects, whose windows JupyterLab would reopen.
        "LabApp.workspaces_dir": layouts,
    }
    if port is not None:
        given |= {"ServerApp.port": port, "ServerApp.port_retries": 0}
    if is_root():
        given["ServerApp.allow_root"] = True  # as in a container
    return [f"--{name}={value}" for name, value in given.items()]


def _write_first_layout(folder: Path) -> None:
    """Write the arrangement of windows, which JupyterLab calls a workspace, unless there is one."""
    from jupyterlab_server.workspaces_handler import WORKSPACE_EXTENSION, slugify

    target = folder / f"{slugify(LAYOUT_NAME)}{WORKSPACE_EXTENSION}"
    if not target.exists():
        layout = {"data": LAYOUT, "metadata": {"id": LAYOUT_NAME}}
        write_atomically(target, json.dumps(layout, indent=1))


def check_port_is_free(port: int) -> None:
    """Raise an error if a port can't be used.

    Raises:
        OSError: The port is in use, or not permitted.
    """
    with socket.socket() as listener:
        # The server binds it the same way, so a port released a moment ago counts as free.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((ADDRESS, port))
        except OSError as error:
            raise OSError(
                f"Port {port} can't be used ({error.strerror}). Choose another one with --port, "
                "or leave --port out to use the first free one."
            ) from error
