"""The command ``teach load``: a class rehearsed against a hub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployworkbook.teaching.load.result import LoadResult


def load(
    learners: Annotated[
        int, typer.Argument(metavar="N", min=1, max=500, help="How many learners.")
    ],
    hub: Annotated[str, typer.Option(metavar="URL", help="Address of the hub.")],
    password_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The class's password, or a CSV of names and passwords; `teach hub` writes both. "
            "(Default: ask for the class's password.)",
        ),
    ] = None,
    lesson: Annotated[str, typer.Option(help="Lesson that the learners work through.")] = "05",
    minutes: Annotated[
        float, typer.Option(help="Minutes that they have for it; less makes them hurry.")
    ] = 10.0,
    seed: Annotated[int, typer.Option(help="Makes their pauses and drags the same again.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Simulate a class against a hub: how long it waits, and what memory it needs.

    Learners log in, start servers, run a lesson cell by cell at a human's pace, and drag sliders;
    at the end one drags while the others train. Servers are stopped then, and after Ctrl-C.
    Exits with 1 if a cell failed or a connection was lost.
    """
    from urllib.parse import urlsplit

    from deployworkbook.jupyter.lessons import find_lesson
    from deployworkbook.teaching.load.rehearsal import Rehearsal, say_on_stderr, seats_from
    from deployworkbook.teaching.load.running import run_until_stopped
    from deployworkbook.validation import check_number, value_error

    if urlsplit(hub).scheme not in {"http", "https"} or not urlsplit(hub).hostname:
        raise value_error(
            "--hub", received=repr(hub), expected="an address such as http://127.0.0.1:8000"
        )
    check_number("--minutes", minutes, 0, 24 * 60, open_low=True)
    rehearsal = Rehearsal(
        hub,
        seats_from(_passwords(password_file), learners),
        find_lesson(lesson).path.name,
        minutes,
        seed,
        say_on_stderr,
    )
    result = run_until_stopped(rehearsal)
    if as_json:
        print(json.dumps(result.as_dict(), indent=1))
    else:
        _print(result)
    if result.failed or result.trouble or result.lost_connections:
        raise typer.Exit(1)


def _passwords(path: Path | None) -> dict[str, str] | str:
    """Return passwords by name from a CSV, or the class's password."""
    import csv

    from deployworkbook.commands.teach_hub import read_password

    if path is None:
        return str(typer.prompt("Class password", hide_input=True))
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if set(rows.fieldnames or ()) >= {"name", "password"}:
            return {row["name"]: row["password"] for row in rows}
    return read_password(str(path))


def _print(result: LoadResult) -> None:
    from deployworkbook.commands.tables import print_table
    from deployworkbook.teaching.load.result import percentile

    names = {
        "server_start": "server start",
        "kernel_start": "kernel start",
        "slider_idle": "slider, others idle",
        "slider_while_others_run": "slider, others run cells",
        "slider_while_others_train": "slider, all others train",
    }
    rows = [
        (
            names[name],
            str(len(values)),
            _milliseconds(percentile(values, 0.5)),
            _milliseconds(percentile(values, 0.95)),
            _milliseconds(max(values, default=None)),
        )
        for name, values in result.series.items()
    ]
    print_table(("what", "times", "p50, ms", "p95, ms", "most, ms"), rows)
    print(
        f"{result.learners} learners of {result.lesson} for {result.seconds:.0f} s: "
        f"{len(result.runs)} cells run, {len(result.failed)} failed; "
        f"{result.lost_connections} connections lost; {result.restarts} kernels restarted."
    )
    if result.memory_bytes:
        most = max(result.memory_bytes.values())
        print(
            f"Memory of server and kernels: at most {most / 1e9:.2f} GB for one learner in the "
            f"lesson, {result.total_bytes / 1e9:.2f} GB for all at once (shared pages divided)."
        )
    else:
        print("Memory: not seen, because the servers aren't processes of this machine and user.")
    _print_problems(
        result.trouble,
        [f"{each.learner}, cell {each.number}: {each.error}" for each in result.failed],
    )


def _print_problems(trouble: Sequence[str], failed: Sequence[str]) -> None:
    for sentence in [*trouble, *failed][:20]:
        print(sentence)
    left = len(trouble) + len(failed) - 20
    if left > 0:
        print(f"And {left} more; --json has all of them.")


def _milliseconds(seconds: float | None) -> str:
    return "none" if seconds is None else f"{seconds * 1000:,.0f}"
