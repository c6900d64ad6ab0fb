"""The ``submit`` command: hand in answers, after showing exactly what is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deployworkbook.commands.folder import Folder, existing_workspace_of


def submit(
    to: Annotated[
        Path | None,
        typer.Option(
            help="Folder to write the file into, such as your teacher's shared one, or a file "
            "whose name ends with .submission.json (default: your lessons folder).",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="Pseudonym to go by (default: the last one, or a new one at random)."),
    ] = None,
    lessons: Annotated[
        str | None,
        typer.Option(help="Lessons to hand in, such as 02,05 (default: all)."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Write the file without asking.")] = False,
    folder: Folder = None,
) -> None:
    """Hand in your answers, after you have seen what is sent.

    One file is written, for your teacher. It has your pseudonym, your answers, your numbers of
    tries and the version of deployworkbook. Comments, docstrings and paths in your functions are
    left out; other texts in them stay. Nothing is sent over the network. Lessons keep your answers
    in the file answers.json, in the folder .deployworkbook of your lessons; delete it, and they are
    forgotten.
    """
    from deployworkbook.jupyter.lessons import find_lesson
    from deployworkbook.teaching.collecting.sending import outline, prepare, target_of, write

    workspace = existing_workspace_of(folder)
    chosen = {find_lesson(each.strip()).name for each in (lessons or "").split(",") if each.strip()}
    submission = prepare(workspace, lessons=chosen, name=name)
    target = target_of(submission, to, workspace)
    for line in outline(submission.as_data()):
        print(line)
    handed = submission.exercises.values()
    print(
        f"\nThis is all that the file will have: {len(handed)} exercises with "
        f"{sum(len(each.answers) for each in handed)} answers, as {submission.pseudonym}."
    )
    if any("code" in answer for each in handed for answer in each.answers):
        print("Texts and names in your code stay: look for your own name, and remove it first.")
    if lost := sum(each.lost for each in handed):
        print(f"Answers that can't be written down, and count as tries only: {lost}.")
    if not yes and not typer.confirm(f"Write {target}?"):
        print("Nothing was written.")
        raise typer.Exit(1)
    backup = write(submission, target, workspace)
    print(f"Written: {target}")
    if backup:
        print(f"Your earlier submission was copied to {backup}.")
