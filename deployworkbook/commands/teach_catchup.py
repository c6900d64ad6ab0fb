"""The ``catchup`` command: answers filled in for a learner who fell behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from deployworkbook.commands.folder import Folder, existing_workspace_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from deployworkbook.execution.jobs import Outcome
    from deployworkbook.teaching.catching_up import CaughtUp

FILLED = "Filled in, up to section “{section}”: {names}."
REPLACED = "Replaced, with your old answer as a comment below: {names}."
RIGHT = "Kept your answer, which a check has found right: {names}."
KEPT = (
    "Kept your answer, which no check has found right yet: {names}. `--replace` fills in an answer "
    "there, and keeps yours as a comment below it."
)
DONE = "Filled in before: {names}."
ABSENT = (
    "Not in your notebook any more: {names}. `deployworkbook reset {number} --beside` gives you a "
    "complete lesson beside yours."
)
NOTHING = "There was nothing to fill in before section “{section}”."
BACKUP = "Your notebook as it was is saved as {path}."
NEXT = (
    "Now open {path}. If it was open already, choose File ▸ Reload Notebook from Disk first. Edits "
    "that you hadn't saved vanish on reload: copy them elsewhere before, and next time save first. "
    "Click the heading “{section}”, then choose Run ▸ Run All Above Selected Cell."
)
PASSED = "All {cells} code cells before that section ran without an error, in {seconds:.0f} s."
FAILED = "Code cell {cell} of {cells} failed: {error}"


def catchup(
    lesson: Annotated[
        str, typer.Argument(help="Number or name of a lesson, such as 05, or a notebook's file.")
    ],
    section: Annotated[
        str,
        typer.Argument(help="Section to go on with: its number, or a part of its heading."),
    ],
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Also replace your answers that aren't right yet."),
    ] = False,
    run: Annotated[
        bool, typer.Option("--run", help="Also run the cells up to there, as a check.")
    ] = False,
    fast: Annotated[
        bool, typer.Option("--fast", help="With --run: use the lesson's small parameters.")
    ] = False,
    folder: Folder = None,
) -> None:
    """Fill in a lesson's answers up to a section.

    For whoever fell behind. Save the notebook in JupyterLab before. Your own answers and cells
    stay, and your notebook is backed up. Answers that were filled in don't count as solved.
    """
    from deployworkbook.exercises.progress import solved_exercises
    from deployworkbook.teaching.catching_up import catch_up_file
    from deployworkbook.teaching.running import run_up_to

    workspace = existing_workspace_of(folder)
    caught_up = catch_up_file(workspace, lesson, section, replace=replace)
    for line in _lines(caught_up, solved_exercises(workspace)):
        print(line)
    if run:
        outcome = run_up_to(workspace, caught_up.path, caught_up.section, fast=fast)
        print(_ended(outcome))
        raise typer.Exit(0 if outcome.status == "passed" else 1)


def _lines(caught_up: CaughtUp, solved: Collection[str]) -> list[str]:
    filling, section = caught_up.filling, caught_up.section
    said = (
        (FILLED, filling.filled),
        (REPLACED, filling.replaced),
        (RIGHT, [name for name in filling.kept if name in solved]),
        (KEPT, [name for name in filling.kept if name not in solved]),
        (DONE, filling.done),
        (ABSENT, filling.absent),
    )
    lines = [
        text.format(names=", ".join(names), section=section.title, number=section.lesson.number)
        for text, names in said
        if names
    ]
    if not filling.filled and not filling.replaced:
        lines.append(NOTHING.format(section=section.title))
    if caught_up.backup:
        lines.append(BACKUP.format(path=caught_up.backup))
    return [*lines, NEXT.format(path=caught_up.path, section=section.title)]


def _ended(outcome: Outcome) -> str:
    if outcome.status == "passed":
        return PASSED.format(cells=outcome.cells, seconds=outcome.seconds)
    return FAILED.format(cell=outcome.failed_cell, cells=outcome.cells, error=outcome.error)
