"""The commands ``cost`` and ``plan``: what a deployment costs, and a one-page plan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from deployworkbook.commands.folder import Folder, workspace_of
from deployworkbook.commands.prices import PricesFile
from deployworkbook.commands.remeasuring import remeasure_variants

if TYPE_CHECKING:
    from deployworkbook.costs.estimation.breakdown import CostBreakdown
    from deployworkbook.costs.estimation.deployment import Serving
    from deployworkbook.costs.estimation.from_ledger import Measured
    from deployworkbook.costs.estimation.outliers import Outlier
    from deployworkbook.costs.estimation.profile import Profile
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


def cost(
    rps: Rps,
    machine: Annotated[str, typer.Option(help="Machine, as in `prices list`.")] = "c7g.large",
    variant: Annotated[
        str | None, typer.Option(help="Variant of the model, as in the ledger.")
    ] = None,
    runtime: Annotated[
        str | None, typer.Option(help="Runtime (default: the fastest one measured).")
    ] = None,
    service_ms: Annotated[
        float | None, typer.Option(help="Mean time per prediction in ms, instead of the ledger's.")
    ] = None,
    model_mb: Annotated[float, typer.Option(help="With --service-ms: model size in MB.")] = 1.0,
    memory_mb: Annotated[float, typer.Option(help="With --service-ms: memory in MB.")] = 500.0,
    replicas: Annotated[
        int | None, typer.Option(help="Machines per region (default: as the objective needs).")
    ] = None,
    autoscaling: Autoscaling = False,
    spot_share: Spot = 0.0,
    regions: Regions = 1,
    devices: Devices = 0,
    serving: Annotated[
        str, typer.Option(help="What serves: machines, managed or serverless.")
    ] = "machines",
    balancer: Annotated[
        str, typer.Option(help="Load balancer: application, network or none.")
    ] = "application",
    committed_share: Annotated[
        float, typer.Option(help="Fraction of the peak's machines committed to for a year.")
    ] = 0.0,
    queue: Queue = "shared",
    storage: Annotated[str, typer.Option(help="Storage class for models and data.")] = "object",
    day: Day = "flat",
    latency_ms: Latency = 100.0,
    growth: Growth = 0.0,
    month: Annotated[int, typer.Option(help="Months of growth so far.")] = 0,
    updates: Updates = 1.0,
    change: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Override any other input; repeatable."),
    ] = None,
    dataset: Dataset = None,
    prices_file: PricesFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    folder: Folder = None,
) -> None:
    """Estimate the monthly cost of a deployment.

    The cost has four kinds: compute, storage, network and maintenance. Times, sizes and memory are
    measured values from your ledger; the costs are modelled.
    """
    from deployworkbook.costs.estimation.deployment import Deployment
    from deployworkbook.costs.estimation.model import estimate
    from deployworkbook.costs.prices.catalog_file import load_catalog

    catalog = load_catalog(prices_file)
    profile, where = _profile(variant, runtime, service_ms, model_mb, memory_mb, dataset, folder)
    found = estimate(
        _workload(rps, day, latency_ms, growth, updates),
        Deployment(
            profile,
            machine=machine,
            replicas=replicas,
            autoscaling=autoscaling,
            spot_share=spot_share,
            regions=regions,
            storage=storage,
            devices=devices,
            serving=cast("Serving", serving),
            balancer=balancer,
            committed_share=committed_share,
            queue=queue,
        ),
        catalog,
        month=month,
        values=dict(_name_and_number(text) for text in change or []),
    )
    if as_json:
        print(json.dumps(found.as_dict(), indent=1))
    else:
        _print(found, where)


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
    workload = _workload(rps, day, latency_ms, growth, updates)
    measured, outliers = _measured(dataset, folder)
    if reference is not None:
        check_choice("--reference", reference, dict.fromkeys(p.variant for p in measured.profiles))
    if remeasure and outliers:
        remeasure_variants(outliers, measured.dataset, workspace_of(folder))
        measured, outliers = _measured(dataset, folder)
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


def _workload(rps: float, day: str, latency_ms: float, growth: float, updates: float) -> Workload:
    from deployworkbook.costs.estimation.workload import DAYS, Workload
    from deployworkbook.validation import check_choice

    return Workload(
        rps,
        daily_shape=DAYS[check_choice("--day", day, DAYS)],
        latency_objective_ms=latency_ms,
        growth_share_per_month=growth,
        updates_per_month=updates,
    )


def _measured(dataset: str | None, folder: Path | None) -> tuple[Measured, list[Outlier]]:
    """Return the ledger's comparable measurements, and those that look wrong."""
    from deployworkbook.costs.estimation.from_ledger import measured_in
    from deployworkbook.costs.estimation.outliers import outliers_in
    from deployworkbook.ledger.book import Ledger

    entries = Ledger(workspace_of(folder).ledger_path).entries()
    measured = measured_in(entries, dataset=dataset)
    return measured, outliers_in(entries, measured)


def _profile(
    variant: str | None,
    runtime: str | None,
    service_ms: float | None,
    model_mb: float,
    memory_mb: float,
    dataset: str | None,
    folder: Path | None,
) -> tuple[Profile, str]:
    """Return the profile to serve and where it was measured (empty if it wasn't)."""
    from deployworkbook.costs.estimation.from_ledger import profile_named
    from deployworkbook.costs.estimation.profile import Profile
    from deployworkbook.validation import value_error

    if service_ms is not None:
        size, memory = model_mb * 1e6, memory_mb * 1e6
        names = (variant or "unnamed", runtime or "unnamed")
        made = Profile(*names, service_ms, 1.0, 0.0, size, size, memory, kind="modelled")
        return made, ""
    if variant is None:
        remedy = "For a model that is not in the ledger, give --service-ms instead."
        raise value_error(
            "--variant", received="nothing", expected="a variant's name", remedy=remedy
        )
    measured, _ = _measured(dataset, folder)
    return profile_named(measured, variant, runtime), measured.where


def _name_and_number(text: str) -> tuple[str, Any]:
    from deployworkbook.validation import value_error

    name, _, value = text.partition("=")
    try:
        return name, float(value)
    except ValueError:
        expected = "NAME=VALUE with a number"
        raise value_error("--set", received=repr(text), expected=expected) from None


def _print(found: CostBreakdown, where: str) -> None:
    from rich.console import Console
    from rich.table import Table

    from deployworkbook.commands.live import print_plain

    console = Console()
    table = Table("cost", "part", "quantity", "", "USD per month", box=None, padding=(0, 2, 0, 0))
    for column in (2, 4):
        table.columns[column].justify = "right"
    for kind, total in found.by_kind_usd.items():
        table.add_row(f"[bold]{kind}[/]", "", "", "", f"[bold]{total:,.2f}[/]")
        for part in found.parts:
            if part.kind == kind:
                row = (part.name, f"{part.quantity:,.4g}", part.unit, f"{part.cost_usd:,.2f}")
                table.add_row("", *row)
    table.add_row("[bold]total[/]", "", "", "", f"[bold]{found.total_usd_per_month:,.2f}[/]")
    console.print(table)
    deployment, million = found.deployment, found.usd_per_million_predictions
    what = "boards" if deployment.devices else "machines at peak"
    lines = [
        f"{deployment.profile.name} ({deployment.profile.kind}) on {found.replicas_at_peak:,} × "
        f"{deployment.machine} ({what}; modelled)."
    ]
    if found.replicas_needed > found.replicas_at_peak:
        lines.append(f"Too few machines: the latency objective needs {found.replicas_needed:,}.")
    if million is not None:
        lines.append(f"{million:,.4g} USD per million predictions.")
    energy, carbon = found.energy_kwh_per_month, found.carbon_kg_per_month
    if where:
        lines.append(f"Measured on {where}.")
    lines.append(f"{energy:,.4g} kWh and {carbon:,.4g} kg of CO2 per month.")
    lines += [f"Assumed: {each}" for each in found.assumptions]
    lines += [f"Source: {each}" for each in found.sources]
    for line in lines:
        print_plain(console, line)
