"""The ``teach preflight`` command: are all seats of a class ready?"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployworkbook.teaching.seats import Seat

MARKS = {"ok": "ok", "warning": "warning", "problem": "PROBLEM"}


def preflight(
    folder: Annotated[
        Path,
        typer.Argument(help="Folder with what doctor --json printed, a file NAME.json per seat."),
    ],
    allow_warnings: Annotated[
        bool,
        typer.Option("--allow-warnings", help="Exit with 0 if there are only warnings."),
    ] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print a row per seat as CSV.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the seats as JSON.")] = False,
) -> None:
    """Collect the doctor's reports of all seats, and say who needs what.

    Exits with 1 if somebody needs something, or if a report can't be read. A seat without MNIST is
    ready: its lessons run with scikit-learn's digits.
    """
    from deployworkbook.teaching.preflight import seats_as_csv
    from deployworkbook.teaching.seats import read_seats

    if csv and as_json:
        raise typer.BadParameter("--csv and --json exclude each other; give one of them.")
    seats = read_seats(folder)
    if csv:
        print(seats_as_csv(seats), end="")
    elif as_json:
        print(json.dumps(_fields(seats), indent=1, ensure_ascii=False))
    else:
        _show(seats)
    fine = {"ready", "warning"} if allow_warnings else {"ready"}
    if any(seat.state not in fine for seat in seats):
        raise typer.Exit(1)


def _show(seats: Sequence[Seat]) -> None:
    from rich.console import Console
    from rich.markup import escape

    from deployworkbook.commands.tables import print_table
    from deployworkbook.teaching.preflight import (
        checks_to_show,
        differences_of,
        needs_of,
        summary_of,
    )

    console = Console()
    shown = checks_to_show(seats)
    rows = []
    for seat in seats:
        status = {check.name: MARKS[check.status] for check in seat.checks}
        cells = [status.get(name, "?") for name in shown]
        rows.append(tuple(map(escape, (seat.name, seat.state, *cells))))
    print_table(("seat", "state", *map(escape, shown)), rows)
    for need in needs_of(seats):
        console.print(f"\n{need.check}: {need.remedy}", markup=False, highlight=False)
        for name, found in need.found.items():
            console.print(f"  {name}: {found}", markup=False, highlight=False)
    unread = [seat for seat in seats if seat.trouble]
    if unread:
        console.print("\nReports that can't be used:")
        for seat in unread:
            console.print(f"  {seat.name}: {seat.trouble}", markup=False, highlight=False)
    for sentence in ("", *differences_of(seats), summary_of(seats)):
        console.print(sentence, markup=False, highlight=False)


def _fields(seats: Sequence[Seat]) -> dict[str, Any]:
    from deployworkbook.teaching.preflight import differences_of, needs_of

    return {
        "ready": all(seat.state == "ready" for seat in seats),
        "seats": [
            {
                "seat": seat.name,
                "state": seat.state,
                "trouble": seat.trouble,
                "status": {check.name: check.status for check in seat.checks},
            }
            for seat in seats
        ],
        "needs": [asdict(need) for need in needs_of(seats)],
        "differences": differences_of(seats),
    }
