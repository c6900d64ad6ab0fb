"""The command ``cost``: what a deployment costs per month."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from deployworkbook.commands.folder import Folder
from deployworkbook.commands.prices import PricesFile
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

if TYPE_CHECKING:
    from deployworkbook.costs.estimation.breakdown import CostBreakdown
    from deployworkbook.costs.estimation.deployment import Serving
    from deployworkbook.costs.estimation.profile import Profile


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
        workload_of(rps, day, latency_ms, growth, updates),
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
    measured, _ = measured_rows(dataset, folder)
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
