"""The commands ``lab``, ``install`` and ``reset``: the learner's copies of the lessons."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from deployworkbook.commands.folder import Folder, workspace_of

Place = Annotated[Path | None, typer.Argument(metavar="DIR", help="Folder for your lessons.")]


def lab(
    folder: Place = None,
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


def install(
    folder: Place = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON: what was copied, updated and kept.")
    ] = False,
) -> None:
    """Copy the lessons without opening JupyterLab.

    For a USB stick or a server, for example. Lessons you have edited are left alone; outdated ones
    are listed. Running it again copies only what is missing or has been updated.
    """
    from deployworkbook.jupyter.installing import in_words, install_all

    workspace = workspace_of(folder)
    done = install_all(workspace)
    if not as_json:
        print(in_words(workspace, done))
        return
    report = {
        "folder": str(workspace.root),
        "copied": done.copied,
        "updated": done.updated,
        "kept": done.kept,
        "outdated": {
            name: None if beside is None else beside.name for name, beside in done.outdated.items()
        },
    }
    print(json.dumps(report, indent=1))


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
