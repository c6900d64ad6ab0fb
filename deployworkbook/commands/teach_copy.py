"""The ``teach copy`` command: lessons with solutions and notes, for their teacher."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deployworkbook.commands.folder import Folder, workspace_of

NO_TARGET = (
    "--out: expected a folder, or with one lesson a notebook that ends with .ipynb. Received: "
    "{out}. For example: --out {folder}"
)


def copy(
    lesson: Annotated[
        str | None, typer.Argument(help="Number or name of a lesson, such as 05.")
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            metavar="PATH",
            help="Folder to write to, or with one lesson a file that ends with .ipynb.",
        ),
    ] = Path("teacher"),
    every: Annotated[bool, typer.Option("--all", help="Write a copy of every lesson.")] = False,
    folder: Folder = None,
) -> None:
    """Write a lesson with its solutions, usual mistakes, hints and talking points.

    Keep copies apart from your learners' notebooks, as they have the solutions. A file that differs
    is backed up in your lessons folder before it is replaced.
    """
    from deployworkbook.jupyter.lessons import catalogue, find_lesson
    from deployworkbook.teaching.teacher_copy import file_name, write_teacher_copy
    from deployworkbook.workspace.files import full_path

    if every == (lesson is not None):
        raise typer.BadParameter("Name a lesson, such as 05, or give --all, but not both.")
    place = full_path(out)
    is_folder = place.is_dir() or not place.suffix
    if not is_folder and (every or place.suffix != ".ipynb"):
        raise typer.BadParameter(NO_TARGET.format(out=out, folder=out.with_suffix("")))
    lessons = [find_lesson(lesson)] if lesson is not None else catalogue()
    workspace = workspace_of(folder)
    for chosen in lessons:
        target = place / file_name(chosen) if is_folder else place
        backups = write_teacher_copy(workspace, chosen, target)
        print(f"Wrote {target}.")
        for backup in backups:
            print(f"The file that was there is saved as {backup}.")
