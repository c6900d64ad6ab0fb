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
        help="Your lessons folder (default: the one containing the current directory, "
        "else ~/deployworkbook).",
    ),
]


def workspace_of(folder: Path | None) -> Workspace:
    """Return the workspace the option names; create it if it is missing."""
    from deployworkbook.workspace.files import full_path
    from deployworkbook.workspace.folder import Workspace, current_workspace

    if folder is None:
        return current_workspace()
    return Workspace(full_path(folder)).create()
