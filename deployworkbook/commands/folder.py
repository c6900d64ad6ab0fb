"""The option that names a learner's folder, which most commands have."""

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
        help="Your folder of lessons. By default the one that this folder belongs to, "
        "else ~/deployworkbook.",
    ),
]


def workspace_of(folder: Path | None) -> Workspace:
    """Find the workspace that the option means, and make it where it is missing."""
    from deployworkbook.workspace.files import full_path
    from deployworkbook.workspace.folder import Workspace, current_workspace

    if folder is None:
        return current_workspace()
    return Workspace(full_path(folder)).create()
