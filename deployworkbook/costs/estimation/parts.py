"""The core computation: a month's cost in parts from the inputs, for numbers and arrays alike.

Each part is a quantity times a price, in float64 and unrounded; ``model`` rounds to the cent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployworkbook.costs.estimation.breakdown import Kind
from deployworkbook.costs.estimation.inputs import Inputs
from deployworkbook.costs.estimation.machines import fleet
from deployworkbook.costs.prices.tiers import tiered_cost
from deployworkbook.costs.units import GIB, HOURS_PER_MONTH, MONTHS_PER_YEAR, SECONDS_PER_MONTH

Array = NDArray[np.float64]


@dataclass(frozen=True)
class BillLine:
    """A part before rounding; each value may be a number or an array."""

    kind: Kind
    name: str
    quantity: Array
    unit: str
    cost_usd: Array


@dataclass(frozen=True)
class Month:
    """A month's cost, unrounded.

    Args:
        lines: Parts of the cost.
        machines: Machines in all regions, per load on the last axis; on the edge, boards.
        energy_kwh: Energy of machines or boards.
        able: Whether it can serve at all. Where it cannot, the cost is infinite, and parts,
            machines and energy are meaningless.
    """

    lines: tuple[BillLine, ...]
    machines: Array
    energy_kwh: Array
    able: NDArray[np.bool_]

    @property
    def cost_usd(self) -> Array:
        """Sum of the parts; infinite where it cannot serve."""
        total = np.zeros(())
        for line in self.lines:
            total = total + line.cost_usd
        return np.where(self.able, total, np.inf)


def month_of(inputs: Inputs) -> Month:
    """Compute a month's parts."""
    edge = np.asarray(inputs.devices, float) > 0
    regions = np.where(edge, 1.0, inputs.regions)
    needed = fleet(inputs)
    able = np.asarray(np.isfinite(needed).all(axis=-1))
    serving = np.where(able[..., None], needed, 0.0)
    mean = serving @ inputs.load_shares
    published = np.asarray(inputs.machine_device_watts)
    device_watts = np.where(published > 0, published, inputs.unpublished_tpu_watts)
    cloud_watts = np.asarray(inputs.machine_vcpus) * inputs.machine_watts_per_vcpu
    cloud_watts = cloud_watts + np.asarray(inputs.machine_devices) * device_watts
    watts = np.where(edge, inputs.machine_watts, cloud_watts)
    energy_kwh = mean * watts * HOURS_PER_MONTH / 1e3
    lines = (
        *_compute(inputs, edge, mean, energy_kwh),
        *_storage(inputs, edge, regions, mean),
        *_network(inputs, edge, regions),
        *_maintenance(inputs, edge, regions),
    )
    return Month(lines, serving, energy_kwh, able)


def _compute(
    i: Inputs, edge: NDArray[np.bool_], mean: Array, energy_kwh: Array
) -> Iterator[BillLine]:
    price = np.asarray(i.machine_usd_per_hour) * i.compute_price_ratio
    hours = np.where(edge, 0.0, mean) * HOURS_PER_MONTH
    steady = hours * (1.0 - np.asarray(i.spot_share))
    yield BillLine("compute", "serving, on demand", steady, "h", steady * price)
    spot = hours * i.spot_share * (1.0 + np.asarray(i.spot_overhead_share))
    discounted = price * (1.0 - np.asarray(i.spot_discount_share))
    yield BillLine("compute", "serving, spot", spot, "h", spot * discounted)
    trained = np.asarray(i.retrainings_per_month) * i.training_hours
    rate = np.asarray(i.training_usd_per_hour) * i.compute_price_ratio
    yield BillLine("compute", "training", trained, "h", trained * rate)
    board = np.asarray(i.device_usd) * i.compute_price_ratio
    worn = np.asarray(i.devices) / np.asarray(i.device_life_months, float)
    yield BillLine("compute", "devices, over their life", worn, "devices", worn * board)
    broken = _failures(i)
    yield BillLine("compute", "devices, replaced", broken, "devices", broken * board)
    drawn = np.where(edge, energy_kwh, 0.0)
    yield BillLine("compute", "energy of devices", drawn, "kWh", drawn * i.electricity_usd_per_kwh)


def _storage(i: Inputs, edge: NDArray[np.bool_], regions: Array, mean: Array) -> Iterator[BillLine]:
    logged = np.asarray(i.requests_per_s) * SECONDS_PER_MONTH * i.logged_share
    logged_gib = logged * (np.asarray(i.request_bytes) + i.response_bytes) / GIB
    kept = {
        "model versions": np.asarray(i.versions_kept) * i.model_bytes * regions / GIB,
        "training data": np.asarray(i.training_data_bytes) / GIB,
        "logged requests": logged_gib * i.logs_kept_months,
    }
    whole = np.asarray(sum(kept.values()))
    paid = np.maximum(whole, i.storage_minimum_gib)
    ends = [tier.up_to_gib for tier in i.storage_tiers]
    prices = [tier.price_usd_per_gib for tier in i.storage_tiers]
    ratio = np.asarray(i.storage_price_ratio)
    # The tiers apply to everything stored; each part pays its share of the total.
    per_gib = tiered_cost(paid, ends, prices) * ratio / np.where(paid > 0, paid, 1.0)
    for name, amount in kept.items():
        yield BillLine("storage", name, amount, "GiB", amount * per_gib)
    unused = paid - whole
    yield BillLine("storage", "room paid for and not used", unused, "GiB", unused * per_gib)
    writes = (
        np.asarray(i.updates_per_month) * regions
        + i.retrainings_per_month
        + logged / np.asarray(i.logged_per_object_ratio, float)
    )
    yield BillLine("storage", "writes", writes, "", writes / 1e3 * i.write_usd_per_thousand * ratio)
    # Every machine fetches each version; on the edge one copy goes to the roll-out.
    starts = np.asarray(i.updates_per_month) * np.where(edge, 1.0, mean)
    reads = starts + i.retrainings_per_month
    yield BillLine("storage", "reads", reads, "", reads / 1e3 * i.read_usd_per_thousand * ratio)
    fetched = (starts * i.model_bytes + i.retrainings_per_month * i.training_data_bytes) / GIB
    yield BillLine(
        "storage", "retrieval", fetched, "GiB", fetched * i.retrieval_usd_per_gib * ratio
    )


def _network(i: Inputs, edge: NDArray[np.bool_], regions: Array) -> Iterator[BillLine]:
    requests = np.where(edge, 0.0, i.requests_per_s) * SECONDS_PER_MONTH
    answers = requests * (np.asarray(i.response_bytes) + i.protocol_bytes_per_request) / GIB
    rolled = np.asarray(i.devices) * i.updates_per_month * i.download_bytes / GIB
    out = answers + rolled
    ends = [tier.up_to_gib for tier in i.internet_tiers]
    prices = [tier.price_usd_per_gib for tier in i.internet_tiers]
    ratio = np.asarray(i.network_price_ratio)
    per_gib = tiered_cost(out, ends, prices) * ratio / np.where(out > 0, out, 1.0)
    yield BillLine("network", "answers to the internet", answers, "GiB", answers * per_gib)
    yield BillLine("network", "models to devices", rolled, "GiB", rolled * per_gib)
    carried = np.asarray(i.request_bytes) + i.response_bytes + 2.0 * i.protocol_bytes_per_request
    across = requests * i.cross_zone_share * carried / GIB
    yield BillLine("network", "between zones", across, "GiB", across * i.zone_usd_per_gib * ratio)
    copied = (regions - 1.0) * i.updates_per_month * i.model_bytes / GIB
    yield BillLine(
        "network", "models to regions", copied, "GiB", copied * i.region_usd_per_gib * ratio
    )


def _maintenance(i: Inputs, edge: NDArray[np.bool_], regions: Array) -> Iterator[BillLine]:
    share = np.asarray(i.wages_share, float)
    engineer = np.asarray(i.engineer_wage_usd_per_hour) * i.wage_ratio / share
    technician = np.asarray(i.technician_wage_usd_per_hour) * i.wage_ratio / share
    tasks = {
        "updates": np.asarray(i.updates_per_month) * i.hours_per_update,
        "retraining": np.asarray(i.retrainings_per_month) * i.hours_per_retraining,
        "upkeep": i.upkeep_hours_per_month + (regions - 1.0) * i.region_hours_per_month,
        "incidents": np.asarray(i.incidents_per_month) * i.hours_per_incident,
        "supervision of devices": np.asarray(i.devices) * i.device_hours_per_month,
    }
    for name, hours in tasks.items():
        yield BillLine("maintenance", name, hours, "h", hours * engineer)
    visits = _failures(i) * i.hours_per_device_visit
    yield BillLine("maintenance", "visits to devices", visits, "h", visits * technician)


def _failures(i: Inputs) -> Array:
    """Return the number of devices that fail per month."""
    return np.asarray(i.devices * np.asarray(i.device_failures_per_year_share) / MONTHS_PER_YEAR)
