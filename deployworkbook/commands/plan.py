"""The command ``plan``: the cheapest deployment, as a page and an annex."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deployworkbook.commands.folder import Folder, workspace_of
from deployworkbook.commands.prices import PricesFile
from deployworkbook.commands.remeasuring import remeasure_variants
from deployworkbook.commands.workload import (
    Autoscaling,
    Dataset,
    Day,
    Devices,
    Growth,
    Latency,
    Queue,
    Regions,
    Rps,
    Spot,
    Updates,
    measured_rows,
    workload_of,
)


def plan(
    rps: Rps,
    accuracy: Annotated[float, typer.Option(help="Minimum accuracy as a fraction: 0.97.")] = 0.95,
    latency_ms: Latency = 100.0,
    memory_mb: Annotated[
        float | None, typer.Option(help="Maximum memory per process, in MB.")
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(help="Baseline variant for the savings (default: float32)."),
    ] = None,
    autoscaling: Autoscaling = False,
    spot_share: Spot = 0.0,
    regions: Regions = 1,
    devices: Devices = 0,
    queue: Queue = "shared",
    day: Day = "flat",
    growth: Growth = 0.0,
    updates: Updates = 1.0,
    dataset: Dataset = None,
    prices_file: PricesFile = None,
    all_runtimes: Annotated[
        bool,
        typer.Option("--all-runtimes", help="Also recommend runtimes that have no server yet."),
    ] = False,
    remeasure: Annotated[
        bool,
        typer.Option("--remeasure", help="First remeasure rows that look as if taken under load."),
    ] = False,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the plan.")] = Path(),
    folder: Folder = None,
) -> None:
    """Find the cheapest deployment that meets your objectives.

    Compares every variant and runtime in the ledger on every machine.
    Writes deployment_plan.md and deployment_plan.html; backs up earlier plans.
    """
    from deployworkbook.costs.advice.advise import SERVED_RUNTIMES, advise
    from deployworkbook.costs.estimation.deployment import Deployment
    from deployworkbook.costs.plan.files import write_plan
    from deployworkbook.costs.plan.making import make_plan
    from deployworkbook.costs.prices.catalog_file import load_catalog
    from deployworkbook.validation import check_choice, check_number

    # Without requests there is nothing to plan: any machine would do.
    check_number("--rps", rps, 0, open_low=True)
    workload = workload_of(rps, day, latency_ms, growth, updates)
    measured, outliers = measured_rows(dataset, folder)
    if reference is not None:
        check_choice("--reference", reference, dict.fromkeys(p.variant for p in measured.profiles))
    if remeasure and outliers:
        remeasure_variants(outliers, measured.dataset, workspace_of(folder))
        measured, outliers = measured_rows(dataset, folder)
    advice = advise(
        workload,
        measured.profiles,
        load_catalog(prices_file),
        accuracy_share=accuracy,
        memory_bytes=float("inf") if memory_mb is None else memory_mb * 1e6,
        devices=devices,
        like=Deployment(
            measured.profiles[0],
            autoscaling=autoscaling,
            spot_share=spot_share,
            regions=regions,
            queue=queue,
        ),
        servable=None if all_runtimes else SERVED_RUNTIMES,
    )
    made = make_plan(
        advice,
        reference=reference or "float32",
        measured_on=measured.where,
        doubts=[str(each) for each in outliers],
        chip_forms=measured.chip_forms,
    )
    for page in write_plan(made, out, workspace=workspace_of(folder)):
        if page.backup is not None:
            print(f"The earlier plan is saved as {page.backup}.")
        print(f"Wrote {page.path}.")
    for reason in measured.left_out:
        print(f"Left out: {reason}")
    for outlier in outliers:
        print(f"Doubtful: {outlier}")
    if outliers:
        print("To remeasure, add --remeasure when the machine is idle.")
    best = made.choice
    print(
        f"{best.profile.name} on {made.cost.replicas_at_peak:,} × {best.machine.name}: "
        f"{made.cost.total_usd_per_month:,.2f} USD per month, modelled."
    )
