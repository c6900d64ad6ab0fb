"""The ``--dir`` option, which names the learner's folder and which most commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from deployworkbook.workspace.folder import Workspace

Folder = Annotated[
    Path | None,
    typer.Option(
        "--dir",
        help="Your lessons folder (default: DEPLOYWORKBOOK_HOME if set, else the one containing "
        "the current directory, else ~/deployworkbook).",
    ),
]

ABSENT = (
    "There are no lessons in {folder}; name the folder in which you work on them, or make one "
    "there with `deployworkbook install --dir FOLDER`."
)


def workspace_of(folder: Path | None) -> Workspace:
    """Return the workspace the option names; create it if it is missing."""
    return workspace_as_it_is(folder).create()


def workspace_as_it_is(folder: Path | None) -> Workspace:
    """Return the workspace the option names; a named one isn't created."""
    from deployworkbook.workspace.files import full_path
    from deployworkbook.workspace.folder import Workspace, current_workspace

    return current_workspace() if folder is None else Workspace(full_path(folder))


def existing_workspace_of(folder: Path | None) -> Workspace:
    """Return the workspace the option names, for a command that only works with what is there.

    Raises:
        FileNotFoundError: The option names a folder without a workspace. It isn't created.
    """
    workspace = workspace_as_it_is(folder)
    if folder is None:
        return workspace
    is_one = workspace.records.is_dir() or workspace.ledger_path.is_file()
    if not is_one and not any(workspace.root.glob("[0-9][0-9]_*.ipynb")):
        raise FileNotFoundError(ABSENT.format(folder=workspace.root))
    return workspace
