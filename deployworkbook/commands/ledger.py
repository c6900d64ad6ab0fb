"""The ``ledger`` command: print what has been measured."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from deployworkbook.commands.folder import Folder, existing_workspace_of


def ledger(
    every: Annotated[
        bool, typer.Option("--all", help="Print every row, not only the newest of each kind.")
    ] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print all columns as CSV.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the measurements as JSON, with machine and note.")
    ] = False,
    folder: Folder = None,
) -> None:
    """Print the measurements in your ledger.

    Prints the newest of each variant, runtime, dataset and machine.
    """
    from deployworkbook.ledger.book import Ledger
    from deployworkbook.ledger.measurement import newest

    if csv and as_json:
        raise typer.BadParameter("--csv and --json exclude each other; give one of them.")
    book = Ledger(existing_workspace_of(folder).ledger_path)
    if as_json:
        entries = book.entries()
        kept = entries if every else newest(entries)
        print(json.dumps([entry.as_dict() for entry in kept], indent=1))
        return
    table = book.table(every=every, details=csv)
    if csv:
        print(table.to_csv(), end="")
    elif table.empty:
        print("The ledger is empty. Lesson 04 writes the first row.")
    else:
        print(table.to_string(na_rep=""))
