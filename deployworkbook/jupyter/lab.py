"""JupyterLab on a learner's folder."""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
from typing import NoReturn

from deployworkbook.jupyter.lessons import Installation, catalogue, install
from deployworkbook.workspace.files import write_atomically
from deployworkbook.workspace.folder import ENVIRONMENT_VARIABLE, Workspace

# What a learner would otherwise be asked or lose: news and updates of JupyterLab in a first
# session, and the state of widgets when a notebook is saved.
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
    },
    "@jupyter-widgets/jupyterlab-manager:plugin": {"saveState": True},
}
ADDRESS = "127.0.0.1"


def start(workspace: Workspace, *, port: int | None = None, open_browser: bool = True) -> NoReturn:
    """Copy the lessons into a workspace, and serve JupyterLab there until it is stopped.

    The server listens on this machine only, asks for its token, and knows one kernel: the
    interpreter that runs this.

    Args:
        workspace: The learner's folder.
        port: Which to listen on; by default the first free from 8888.
        open_browser: Whether to open a window on the first lesson.

    Raises:
        OSError: The port is taken, or the folder cannot be written.
    """
    if port is not None:
        check_port_is_free(port)
    print(_installed(workspace, install(workspace)))
    os.environ[ENVIRONMENT_VARIABLE] = str(workspace.root)

    # Here, since they take a second to import.
    from jupyterlab.labapp import LabApp

    from deployworkbook.jupyter.lab_log import quieten

    quieten()
    LabApp.launch_instance(argv=options(workspace, port=port, open_browser=open_browser))
    # The server and its kernels have ended. A worker thread of its library may still wait for work,
    # and Python would wait for that thread for ever.
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)


def options(workspace: Workspace, *, port: int | None, open_browser: bool) -> list[str]:
    """List the options that JupyterLab is started with; write the settings that they name."""
    settings = workspace.records / "lab" / "settings"
    write_atomically(settings / "overrides.json", json.dumps(SETTINGS, indent=1))
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
        # Ctrl-C stops it without a question.
        "ServerApp.answer_yes": True,
        "ServerApp.log_level": "WARN",
        "LabApp.log_level": "WARN",
        # Otherwise each kernel warns that what passes between it and the server can be read.
        "KernelManager.transport_encryption": "auto",
        "LabApp.default_url": f"/lab/tree/{catalogue()[0].path.name}",
        "LabApp.app_settings_dir": settings,
        # Apart from other projects' windows, which JupyterLab would open again.
        "LabApp.workspaces_dir": workspace.records / "lab" / "workspaces",
    }
    if port is not None:
        given |= {"ServerApp.port": port, "ServerApp.port_retries": 0}
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        given["ServerApp.allow_root"] = True  # as in a container
    return [f"--{name}={value}" for name, value in given.items()]


def check_port_is_free(port: int) -> None:
    """Refuse a port on which something listens.

    Raises:
        OSError: It is taken, or not to be had.
    """
    with socket.socket() as listener:
        # As the server will bind it: one that has just been left counts as free.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((ADDRESS, port))
        except OSError as error:
            raise OSError(
                f"Port {port} is not to be had ({error.strerror}). Name another with --port, or "
                "leave it out: then the first free one is taken."
            ) from error


def _installed(workspace: Workspace, done: Installation) -> str:
    lines = [f"Your lessons are in {workspace.root}."]
    if done.updated:
        lines.append(f"Brought up to date: {', '.join(done.updated)}.")
    return "\n".join([*lines, *(_about_edited(name, done) for name in done.kept)])


def _about_edited(name: str, done: Installation) -> str:
    number = name[:2]
    if name not in done.outdated:
        return (
            f"{name} has your edits and stays as it is; deployworkbook reset {number} restores it."
        )
    about = f"{name} has your edits and is older than the lesson as shipped now;"
    beside = done.outdated[name]
    if beside is None:
        return f"{about} deployworkbook reset {number} --beside puts the new one beside yours."
    return f"{about} the new one is beside yours: {beside.name}."
