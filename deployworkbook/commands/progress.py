"""The ``progress`` command: print how far a learner has come."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from deployworkbook.commands.folder import Folder, existing_workspace_of


def progress(
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
    folder: Folder = None,
) -> None:
    """Print your solved exercises and guesses, by lesson.

    Answers that were filled in for you are counted apart.
    """
    from rich.console import Console
    from rich.table import Table

    from deployworkbook.exercises.progress import summary

    rows = summary(existing_workspace_of(folder))
    if as_json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
        return
    table = Table(
        "lesson", "solved", "of", "tries", "guesses", "filled in", box=None, padding=(0, 2, 0, 0)
    )
    for row in rows:
        counts = (row.solved, row.total, row.tries, row.guesses, row.filled)
        table.add_row(row.lesson, *map(str, counts))
    Console().print(table)
