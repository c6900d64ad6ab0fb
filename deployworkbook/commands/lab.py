"""The commands ``lab`` and ``reset``: the learner's copies of the lessons."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deployworkbook.commands.folder import Folder, workspace_of


def lab(
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="Folder for your lessons.")
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open a browser window.")
    ] = True,
    port: Annotated[
        int | None,
        typer.Option(
            metavar="PORT", min=1, max=65535, help="Port (default: first free from 8888)."
        ),
    ] = None,
) -> None:
    """Open JupyterLab on your copies of the lessons.

    Lessons you have edited are left alone; outdated ones are listed.
    The server is reachable from this machine only and asks for the token it prints. Press Ctrl-C to
    stop it.
    """
    from deployworkbook.jupyter.lab import start

    start(workspace_of(folder), port=port, open_browser=browser)


def reset(
    lesson: Annotated[str, typer.Argument(help="Number or name of a lesson, such as 04.")],
    beside: Annotated[
        bool,
        typer.Option("--beside", help="Keep yours and put the shipped version beside it."),
    ] = False,
    folder: Folder = None,
) -> None:
    """Restore a lesson to its shipped version and back up yours."""
    from deployworkbook.jupyter.lessons import find_lesson, put_beside
    from deployworkbook.jupyter.lessons import reset as restore

    chosen = find_lesson(lesson)
    if beside:
        new = put_beside(workspace_of(folder), chosen)
        print(f"Put the shipped version at {new}. Yours is unchanged.")
        return
    backup = restore(workspace_of(folder), chosen)
    print(f"{chosen.name} is back to its shipped version.")
    if backup:
        print(f"Your version is saved as {backup}.")
