"""The estimate: a workload on a deployment, at the catalogue's prices, to the cent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from deployworkbook.costs.capacity.result import MOST_REPLICAS
from deployworkbook.costs.estimation.breakdown import CostBreakdown, CostPart
from deployworkbook.costs.estimation.deployment import Deployment
from deployworkbook.costs.estimation.inputs import Inputs, changed, gather
from deployworkbook.costs.estimation.machines import PERCENTILE, needed_at_peak, service_s, workers
from deployworkbook.costs.estimation.parts import Month, month_of
from deployworkbook.costs.estimation.workload import Workload
from deployworkbook.costs.money import to_cents
from deployworkbook.costs.prices.catalog import Catalog, MachineType
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.units import SECONDS_PER_MONTH
from deployworkbook.formulas.waiting import response_percentile_s
from deployworkbook.validation import value_error

# A mean over months may have half a version, but the machines of one month are whole.
MACHINE_COUNTS = {"replicas", "least_replicas", "regions", "devices", "machine_servers"}


def estimate(
    workload: Workload,
    deployment: Deployment,
    catalog: Catalog | None = None,
    *,
    month: int = 0,
    values: Mapping[str, Any] | None = None,
) -> CostBreakdown:
    """Estimate what a deployment costs in a month of 730 hours.

    Args:
        workload: Workload.
        deployment: Deployment that serves it.
        catalog: Prices and assumptions; by default the shipped catalogue.
        month: Months of growth so far.
        values: Replacements for some ``deployworkbook.costs.estimation.inputs.Inputs``, by
            name, such as ``{"compute_price_ratio": 1.2}`` for machines that cost 20 % more.

    Returns:
        Parts of four kinds, which sum to the total to the cent.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: The deployment cannot meet the latency objective, its machines lack memory, an
            argument is out of range, or an amount is too large for cents.

    >>> from deployworkbook.costs.estimation.profile import Profile
    >>> profile = Profile("int8", "litert", 0.01, 0.1, 0.977, 107_752, 93_384, 200e6)
    >>> found = estimate(Workload(10.0), Deployment(profile, machine="c7g.large"))
    >>> found.replicas_at_peak, found.dominant
    (2, 'maintenance')
    """
    book = load_catalog() if catalog is None else catalog
    inputs = changed(gather(workload, deployment, book, month=month), values or {})
    machine = book.machine(deployment.machine)
    _check_counts(values or {}, machine)
    found = month_of(inputs)
    _check_feasible(inputs, found, deployment, machine)
    peak = found.machines[..., int(np.argmax(inputs.load_ratios))]
    rate = float(np.asarray(inputs.requests_per_s))
    energy = float(found.energy_kwh)
    return CostBreakdown(
        workload=workload,
        deployment=deployment,
        parts=_rounded(found),
        replicas_at_peak=int(peak),
        replicas_needed=int(needed_at_peak(inputs)),
        replicas_mean=float(found.machines @ inputs.load_shares),
        predictions_per_month=rate * SECONDS_PER_MONTH,
        energy_kwh_per_month=energy,
        carbon_kg_per_month=energy * float(np.asarray(inputs.carbon_grams_per_kwh)) / 1e3,
        assumptions=_assumptions(book, machine, deployment, values or {}),
        sources=_sources(book, machine, deployment),
    )


def _rounded(found: Month) -> tuple[CostPart, ...]:
    parts = []
    for line in found.lines:
        quantity, cost = float(line.quantity), float(line.cost_usd)
        if quantity or cost:
            price = cost / quantity if quantity else 0.0
            rounded = to_cents(line.name, cost)
            parts.append(CostPart(line.kind, line.name, quantity, line.unit, price, rounded))
    return tuple(parts)


def _check_counts(values: Mapping[str, Any], machine: MachineType) -> None:
    """Check that counts are whole, and that ``devices`` fits the kind of machine."""
    for name in MACHINE_COUNTS & set(values):
        value = float(np.asarray(values[name]))
        if not value.is_integer():
            raise value_error(name, received=f"{value:g}", expected="a whole number")
    edge = machine.kind == "edge"
    if "devices" in values and bool(values["devices"]) != edge:
        received = f"{values['devices']:g} with {machine.name}"
        expected = "at least 1 with an edge board" if edge else "0 with a cloud machine"
        raise value_error("devices", received=received, expected=expected)


def _check_feasible(
    inputs: Inputs, found: Month, deployment: Deployment, machine: MachineType
) -> None:
    if float(workers(inputs)) < 1:
        need, room = float(np.asarray(inputs.memory_bytes)), machine.process_memory_gib
        where = f"{room:g} GiB per device" if machine.devices else f"{room:g} GiB"
        received = f"{need / 2**30:.3g} GiB, on {machine.name} with {where}"
        share = float(np.asarray(inputs.memory_limit_share))
        expected = f"at most {share:.0%} of that memory, {share * room:.3g} GiB"
        raise value_error("memory_bytes", received=received, expected=expected)
    if found.able:
        return
    time, objective = float(service_s(inputs)), float(np.asarray(inputs.latency_objective_s))
    if machine.kind == "edge":
        peak = float(np.asarray(inputs.requests_per_s)) * float(inputs.load_ratios.max())
        each = peak / deployment.devices * time / float(workers(inputs))
        limit = float(np.asarray(inputs.utilisation_limit_share))
        if each > limit:
            received = f"{deployment.devices}, each {each:.0%} busy in the peak hour"
            expected = f"enough that each is at most {limit:.0%} busy"
            raise value_error("devices", received=received, expected=expected)
    rate = float(np.asarray(inputs.requests_per_s)) * float(inputs.load_ratios.max())
    most = rate * time / float(workers(inputs)) / float(np.asarray(inputs.regions))
    if machine.kind != "edge" and most > MOST_REPLICAS:
        received = f"{rate:,.4g} in the busiest hour, work for {most:,.3g} machines per region"
        expected = f"work for at most {MOST_REPLICAS:,}"
        raise value_error("requests_per_s", received=received, expected=expected)
    alone = response_percentile_s(
        PERCENTILE, 0.0, time, 1, service_scv=float(np.asarray(inputs.service_scv))
    )
    received = (
        f"{objective * 1e3:g} ms, with {deployment.profile.name} on {machine.name}, where a "
        f"request without any wait takes {time * 1e3:.3g} ms on average, and 99 of 100 take up "
        f"to {float(alone) * 1e3:.3g} ms"
    )
    raise value_error(
        "latency_objective_ms",
        received=received,
        expected="more than the 99th percentile without any wait",
        remedy="Choose a faster runtime, variant or machine, or a longer objective.",
    )


def _assumptions(
    book: Catalog, machine: MachineType, deployment: Deployment, values: Mapping[str, Any]
) -> tuple[str, ...]:
    processor = machine.processor
    edge = machine.kind == "edge"
    queue = (
        "a region's requests arrive at random and queue for the next free core (M/G/c); "
        "only the mean and the variation of service times are used, not their whole distribution"
    )
    said = [
        f"one core of {processor.name} has {processor.speed_ratio:g} "
        f"({processor.low_ratio:g} to {processor.high_ratio:g}) times the reference core's speed: "
        f"{processor.reason}",
        f"the profile was measured on a core of {deployment.measured_speed_ratio:g} times the "
        "reference core's speed",
        *([] if edge else [queue]),
    ]
    threads = deployment.profile.threads
    if threads > 1:
        said.append(
            f"a prediction occupies one core, though it was measured with up to {threads} threads"
        )
    skipped = {"memory_limit_share"} | ({"server_overhead_ms"} if edge else set())
    if deployment.server_overhead_ms is not None or deployment.profile.served:
        skipped.add("server_overhead_ms")
    if not machine.devices or machine.device_power_watts:
        skipped.add("unpublished_tpu_watts")
    if not deployment.spot_share:
        skipped |= {"spot_discount_share", "spot_overhead_share"}
    if deployment.regions == 1:
        skipped.add("region_hours_per_month")
    for name, each in book.assumptions.items():
        of_cloud = name.startswith(("spot", "cross_zone", "protocol", "machine_watts", "region"))
        of_edge = "device" in name
        unused = of_cloud if edge else of_edge
        if name not in skipped and name not in values and not unused:
            said.append(str(each))
    said += [f"{name} = {value} (yours)" for name, value in values.items()]
    return tuple(said)


def _sources(book: Catalog, machine: MachineType, deployment: Deployment) -> tuple[str, ...]:
    trainer = book.machine(deployment.training_machine)
    storage = book.storage_named(deployment.storage)
    named = [machine.source, trainer.source, storage.source]
    if machine.device_source is not None:
        named.append(machine.device_source)
    named += [each.source for each in book.transfer.values()]
    edge = machine.kind == "edge"
    for name, each in book.figures.items():
        if edge or not name.startswith(("technician", "electricity")):
            named.append(each.source)
    return tuple(dict.fromkeys(map(str, named)))
