"""The ``doctor`` command: check this machine."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from deployworkbook.commands.folder import Folder, workspace_of


def doctor(
    port: Annotated[
        int | None,
        typer.Option(metavar="PORT", min=1, max=65535, help="Port the lab should use."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the checks as JSON.")] = False,
    folder: Folder = None,
) -> None:
    """Check this machine, and say how to fix what is wrong.

    Exits with 1 if there is a problem.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from deployworkbook.jupyter.doctor import checks

    console = Console(stderr=as_json)
    with console.status("Checking this machine"):
        found = list(checks(workspace_of(folder), port=port))
    if as_json:
        print(json.dumps([asdict(check) for check in found], indent=1))
    else:
        colors = {"ok": "green", "warning": "yellow", "problem": "red"}
        table = Table("check", "", "found", "what to do", box=None, padding=(0, 2, 0, 0))
        for check in found:
            mark = f"[{colors[check.status]}]{check.status}[/]"
            table.add_row(check.name, mark, escape(check.found), escape(check.remedy))
        console.print(table)
    if any(check.status == "problem" for check in found):
        raise typer.Exit(1)
