"""Options that ``cost`` and ``plan`` share, and what they mean: a workload, and measured rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployworkbook.commands.folder import existing_workspace_of

if TYPE_CHECKING:
    from deployworkbook.costs.estimation.from_ledger import Measured
    from deployworkbook.costs.estimation.outliers import Outlier
    from deployworkbook.costs.estimation.workload import Workload

Rps = Annotated[float, typer.Option("--rps", help="Average requests per second.")]
Day = Annotated[str, typer.Option(help="Shape of the day: flat, office or evening.")]
Latency = Annotated[float, typer.Option(help="Objective for the p99 latency, in ms.")]
Growth = Annotated[float, typer.Option(help="Traffic growth per month as a fraction: 0.05.")]
Updates = Annotated[float, typer.Option(help="Model updates per month.")]
Spot = Annotated[float, typer.Option(help="Fraction of machines on the spot market.")]
Regions = Annotated[int, typer.Option(help="Number of regions.")]
Devices = Annotated[int, typer.Option(help="Number of edge boards; 0 for none.")]
Queue = Annotated[
    str,
    typer.Option(
        help="How requests reach a machine: shared (the first free core) or per replica (a random "
        "machine)."
    ),
]
Autoscaling = Annotated[
    bool, typer.Option("--autoscaling", help="Size each hour for its own load, not the peak.")
]
Dataset = Annotated[
    str | None, typer.Option(help="mnist or digits (default: the one measured last).")
]


def workload_of(rps: float, day: str, latency_ms: float, growth: float, updates: float) -> Workload:
    """Return the workload that the options describe."""
    from deployworkbook.costs.estimation.workload import DAYS, Workload
    from deployworkbook.validation import check_choice

    return Workload(
        rps,
        daily_shape=DAYS[check_choice("--day", day, DAYS)],
        latency_objective_ms=latency_ms,
        growth_share_per_month=growth,
        updates_per_month=updates,
    )


def measured_rows(dataset: str | None, folder: Path | None) -> tuple[Measured, list[Outlier]]:
    """Return the ledger's comparable measurements, and those that look wrong."""
    from deployworkbook.costs.estimation.from_ledger import measured_in
    from deployworkbook.costs.estimation.outliers import outliers_in
    from deployworkbook.ledger.book import Ledger

    entries = Ledger(existing_workspace_of(folder).ledger_path).entries()
    measured = measured_in(entries, dataset=dataset)
    return measured, outliers_in(entries, measured)
