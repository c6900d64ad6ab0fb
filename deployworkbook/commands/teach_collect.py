"""The ``teach collect`` command: a class's submissions, judged again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from deployworkbook.teaching.collecting.report import Point
    from deployworkbook.teaching.collecting.results import Collection

# Mistakes that a terminal lists; the page has all.
MOST_SHOWN = 15


def collect(
    folder: Annotated[Path, typer.Argument(help="Folder with your learners' .submission.json.")],
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File for a spreadsheet, a row per learner.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File for a page to show or print.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    seconds: Annotated[
        float, typer.Option(min=0.1, max=600, help="Time limit of a function, in seconds.")
    ] = 5.0,
    unconfined: Annotated[
        bool,
        typer.Option(
            "--unconfined",
            help="Call functions where the system can't confine a process, such as on macOS.",
        ),
    ] = False,
) -> None:
    """Judge your class's submissions, and see what to discuss next.

    Every answer is judged again on this machine; what a submission claims isn't believed. A file
    that is damaged or forged is refused with a reason, and the others are judged. The result is
    formative: a copied answer can't be told from one that was found.
    """
    from rich.console import Console
    from rich.progress import Progress

    from deployworkbook.teaching.collecting.batch import collect as judge
    from deployworkbook.teaching.collecting.calling import isolation_here
    from deployworkbook.teaching.collecting.report import as_csv, as_data, as_html
    from deployworkbook.workspace.files import check_writable, full_path, write_atomically

    for file in filter(None, (csv, html)):
        check_writable(file)
    isolation = isolation_here()
    if isolation != "none" and unconfined:
        isolation = "guarded"
    elif isolation == "guarded":
        isolation = "none"
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Judging submissions", total=None)
        found = judge(
            full_path(folder),
            isolation=isolation,
            seconds=seconds,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if csv:
        write_atomically(csv, as_csv(found))
    if html:
        write_atomically(html, as_html(found))
    if as_json:
        print(json.dumps(as_data(found), indent=1, ensure_ascii=False))
    else:
        _show(found)


def _show(found: Collection) -> None:
    from rich.markup import escape

    from deployworkbook.commands.tables import print_table
    from deployworkbook.teaching.collecting.report import (
        FORMATIVE,
        ISOLATION,
        others_of,
        place_of,
        points_of,
    )

    rows = found.rows()
    print_table(
        ("lesson", "exercise", "name", "solved", "tried", "tries (median)", "not judged"),
        [
            (
                *place_of(row.exercise),
                row.exercise,
                *map(str, (row.solved, row.tried, row.median_tries, row.unjudged or "")),
            )
            for row in rows
        ],
        whole=3,
    )
    if any(row.reasons for row in rows):
        print("\nWhy answers weren't judged:")
        print_table(
            ("lesson", "exercise", "name", "answers", "reason"),
            [
                (*place_of(row.exercise), row.exercise, str(count), text)
                for row in rows
                for text, count in row.reasons
            ],
            whole=3,
        )
    if looked_up := sum(row.looked_up for row in rows):
        print(
            f"\nAnswers that look the right one up in the package, and weren't called: {looked_up}."
        )
    _discuss("Discuss next, the most frequent mistake first:", points_of(found))
    _discuss("Discuss next: wrong answers that no hint explains:", others_of(found))
    if found.refused:
        print("\nFiles that aren't used:")
        print_table(
            ("file", "reason"), [(escape(each.file), escape(each.reason)) for each in found.refused]
        )
    print(f"\nSubmissions judged: {len(found.learners)}. Files not used: {len(found.refused)}.")
    print(FORMATIVE)
    print(ISOLATION[found.isolation])


def _discuss(title: str, points: list[Point]) -> None:
    """Print the most frequent mistakes, if there are any."""
    from rich.markup import escape

    from deployworkbook.commands.tables import print_table
    from deployworkbook.teaching.collecting.report import place_of

    if not points:
        return
    print(f"\n{title}")
    print_table(
        ("lesson", "exercise", "name", "learners", "what they read, or answered"),
        [
            (
                *place_of(each.exercise),
                each.exercise,
                f"{each.learners}/{each.tried}",
                escape(each.text),
            )
            for each in points[:MOST_SHOWN]
        ],
        whole=3,
    )
    if len(points) > MOST_SHOWN:
        print(f"{len(points) - MOST_SHOWN} more are in the page (--html) and in --json.")
