"""The estimate: a workload on a deployment, at the catalogue's prices, to the cent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from deployworkbook.costs.capacity.result import MOST_REPLICAS, PERCENTILE
from deployworkbook.costs.estimation.breakdown import CostBreakdown, CostPart
from deployworkbook.costs.estimation.deployment import Deployment
from deployworkbook.costs.estimation.functions import MOST_MIB, cold_share, function_mib, request_s
from deployworkbook.costs.estimation.inputs import changed, gather
from deployworkbook.costs.estimation.machines import (
    needed_at_peak,
    service_s,
    shape_of,
    workers,
)
from deployworkbook.costs.estimation.notes import assumptions_behind, sources_behind
from deployworkbook.costs.estimation.parts import Month, month_of
from deployworkbook.costs.estimation.record import Inputs
from deployworkbook.costs.estimation.workload import Workload
from deployworkbook.costs.money import to_cents
from deployworkbook.costs.prices.catalog import Catalog
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.prices.entries import MachineType
from deployworkbook.costs.units import GIB, MIB, SECONDS_PER_MONTH
from deployworkbook.formulas.late_share import response_percentile
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
        busy_share=float(found.busy_share),
        energy_kwh_per_month=energy,
        carbon_kg_per_month=energy * float(np.asarray(inputs.carbon_grams_per_kwh)) / 1e3,
        premises=assumptions_behind(book, machine, deployment, inputs, values or {}),
        price_sources=sources_behind(book, machine, deployment, inputs, values or {}),
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
        of_devices = float(np.asarray(inputs.machine_devices)) > 0
        memory = inputs.machine_device_memory_bytes if of_devices else inputs.machine_memory_bytes
        need, room = float(np.asarray(inputs.memory_bytes)), float(np.asarray(memory)) / GIB
        where = f"{room:g} GiB per device" if of_devices else f"{room:g} GiB"
        received = f"{need / GIB:.3g} GiB, on {machine.name} with {where}"
        share = float(np.asarray(inputs.memory_limit_share))
        expected = f"at most {share:.0%} of that memory, {share * room:.3g} GiB"
        raise value_error("memory_bytes", received=received, expected=expected)
    if found.able:
        return
    if deployment.serving == "serverless":
        raise _function_error(inputs)
    time, objective = float(service_s(inputs)), float(np.asarray(inputs.latency_objective_s))
    if machine.kind == "edge":
        peak = float(np.asarray(inputs.requests_per_s)) * float(inputs.load_ratios.max())
        boards = float(np.asarray(inputs.devices))
        each = peak / boards * time / float(workers(inputs))
        limit = float(np.asarray(inputs.utilisation_limit_share))
        if each > limit:
            received = f"{boards:g}, each {each:.0%} busy in the peak hour"
            expected = f"enough that each is at most {limit:.0%} busy"
            raise value_error("devices", received=received, expected=expected)
    rate = float(np.asarray(inputs.requests_per_s)) * float(inputs.load_ratios.max())
    most = rate * time / float(workers(inputs)) / float(np.asarray(inputs.regions))
    if machine.kind != "edge" and most > MOST_REPLICAS:
        received = f"{rate:,.4g} in the busiest hour, work for {most:,.3g} machines per region"
        expected = f"work for at most {MOST_REPLICAS:,}"
        raise value_error("requests_per_s", received=received, expected=expected)
    alone = time * float(response_percentile(PERCENTILE, 0.0, 1, shape_of(inputs)))
    received = (
        f"{objective * 1e3:g} ms, with {deployment.profile.name} on {machine.name}, where a "
        f"request without any wait takes {time * 1e3:.3g} ms on average, and 99 of 100 take up "
        f"to {alone * 1e3:.3g} ms"
    )
    raise value_error(
        "latency_objective_ms",
        received=received,
        expected="more than the 99th percentile without any wait",
        remedy="Choose a faster runtime, variant or machine, or a longer objective.",
    )


def _function_error(inputs: Inputs) -> ValueError:
    """Return the error of a function that is too slow, or too small for its process."""
    memory, need = float(function_mib(inputs)), float(np.asarray(inputs.memory_bytes)) / MIB
    share = float(np.asarray(inputs.memory_limit_share))
    if need > memory * share * (1 + 1e-9) or memory > MOST_MIB:
        received = f"{memory:.4g}, for a process of {need:.4g} MiB"
        expected = f"at least {need / share:.4g}, and at most {MOST_MIB:,.0f}"
        return value_error("function_mib", received=received, expected=expected)
    time = float(request_s(inputs, service_s(inputs)))
    objective = float(np.asarray(inputs.latency_objective_s))
    received = (
        f"{objective * 1e3:g} ms, with a function of {memory:.4g} MiB that takes {time * 1e3:.3g} "
        f"ms on average, and {float(cold_share(inputs)):.1%} cold starts of "
        f"{float(np.asarray(inputs.function_start_s)):g} s"
    )
    return value_error(
        "latency_objective_ms",
        received=received,
        expected="more than 99 of 100 requests take",
        remedy="Give the function more memory, and so more of a core, or allow for cold starts.",
    )
