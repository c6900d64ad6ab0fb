"""The ``monitor`` command: how served models are doing, live in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from deployworkbook.monitoring.snapshot import Snapshot


def monitor(
    address: Annotated[
        list[str],
        typer.Argument(help="http://HOST:PORT of a model server or an exporter; repeatable."),
    ],
    objective: Annotated[
        float,
        typer.Option(metavar="SHARE", help="Share of the requests that shouldn't fail."),
    ] = 0.999,
    interval: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="Seconds between two readings.")
    ] = 1.0,
    once: Annotated[
        bool,
        typer.Option("--once", help="Read once and end; exits with 1 if no server answers."),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per reading.")
    ] = False,
) -> None:
    """Show live how served models are doing.

    Traffic, failures, latency, versions, drift, and what is left of the error budget, from the
    servers' metrics. A model server has them with --monitoring_config_file. Ctrl-C ends it.
    """
    import json
    import time
    from contextlib import ExitStack, suppress
    from dataclasses import asdict

    from rich.console import Console

    from deployworkbook.commands.live import LiveDisplay
    from deployworkbook.monitoring.snapshot import open_reader, snapshot
    from deployworkbook.validation import check_number

    check_number("--objective", objective, 0, 1, open_low=True, open_high=True)
    readers = [open_reader(each) for each in address]
    shots = [snapshot(reader, objective=objective) for reader in readers]

    class Display(LiveDisplay):
        def render(self) -> Table:
            return table_of(shots)

    console = Console()
    with ExitStack() as stack, suppress(KeyboardInterrupt):
        for reader in readers:
            stack.callback(reader.close)
        display = None if as_json or once else stack.enter_context(Display(console))
        if display is not None:
            display.start()
        while True:
            if as_json:
                print(json.dumps({"servers": [asdict(shot) for shot in shots]}), flush=True)
            elif not console.is_terminal or once:
                console.print(table_of(shots))
            if once:
                break
            time.sleep(interval)
            for reader in readers:
                reader.read()
            shots = [snapshot(reader, objective=objective) for reader in readers]
    if once and all(shot.problem for shot in shots):
        raise typer.Exit(1)


def table_of(shots: list[Snapshot]) -> Table:
    """Lay out what servers do as a table.

    Args:
        shots: One per server.
    """
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for shot in shots:
        table.add_row("[bold]server[/]", escape(shot.address))
        if shot.problem:
            table.add_row("[red]problem[/]", escape(shot.problem))
            continue
        for name, value in rows_of(shot):
            table.add_row(name, escape(value))
    return table


def rows_of(shot: Snapshot) -> list[tuple[str, str]]:
    """Word what a server does, line by line.

    Args:
        shot: What was read of it.
    """
    now = "" if shot.per_second is None else f"{shot.per_second:,.1f} per second; "
    share = "" if shot.failed_share is None else f"{shot.failed_share:.2%} of the last 5 min; "
    rows = [
        ("requests", f"{now}{shot.requests:,} since its start"),
        ("failures", f"{share}{shot.failed:,} since its start"),
        ("budget left", f"{shot.budget_left:.0%} of what may fail"),
    ]
    rows += [
        ("latency", f"{each.of}: p50 {each.p50_ms:.2f} ms, p99 {each.p99_ms:.2f} ms")
        for each in shot.latencies
    ]
    rows += [
        (
            "version",
            f"{each.model} {each.version}: {each.state}{': ' if each.error else ''}{each.error}",
        )
        for each in shot.versions
    ]
    rows += [
        (
            "drift",
            f"{each.detector}: {each.statistic:.3g} of {each.threshold:.3g}, "
            f"{each.alarms:,} {'alarm' if each.alarms == 1 else 'alarms'}",
        )
        for each in shot.drift
    ]
    if shot.estimated_accuracy is not None:
        rows.append(("accuracy", f"{shot.estimated_accuracy:.1%}, estimated without labels"))
    return rows
