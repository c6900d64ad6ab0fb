"""The ``teach copy`` command: lessons with solutions and notes, for their teacher."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deployworkbook.commands.folder import Folder, workspace_of


def copy(
    lesson: Annotated[
        str | None, typer.Argument(help="Number or name of a lesson, such as 05.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", help="File to write, or folder (default: your lessons folder)."
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Write a copy of every lesson.")] = False,
    folder: Folder = None,
) -> None:
    """Write a lesson with its solutions, usual mistakes, hints and talking points.

    An edited copy is backed up before it is replaced.
    """
    from deployworkbook.jupyter.lessons import catalogue, find_lesson
    from deployworkbook.teaching.teacher_copy import file_name, write_teacher_copy
    from deployworkbook.workspace.files import full_path

    if every == (lesson is not None):
        raise typer.BadParameter("Name a lesson, such as 05, or give --all, but not both.")
    lessons = [find_lesson(lesson)] if lesson is not None else catalogue()
    workspace = workspace_of(folder)
    place = full_path(out) if out is not None else workspace.root
    for chosen in lessons:
        is_folder = every or out is None or place.is_dir()
        target = place / file_name(chosen) if is_folder else place
        backup = write_teacher_copy(workspace, chosen, target)
        print(f"Wrote {target}.")
        if backup:
            print(f"The file that was there is saved as {backup}.")
