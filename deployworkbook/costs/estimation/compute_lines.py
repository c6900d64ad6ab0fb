"""Compute: machines on demand, committed, on the spot market or managed; functions; boards.

- On demand: N 730 h · price. Spot: the same at a discount, with some hours more for interruptions.
- Committed: the machines of ``formulas.commitment``, used or not, at a discount.
- Managed: the same hours at the endpoint's price, a ratio above the machine's.
- Functions: per request, and memory times time (``formulas.serverless``), beyond what is free.
- Boards: bought once over their life, replaced when they fail, and their energy.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from deployworkbook.costs.estimation.bill_line import Array, BillLine
from deployworkbook.costs.estimation.functions import cold_share, function_mib, request_s
from deployworkbook.costs.estimation.machines import service_s
from deployworkbook.costs.estimation.record import Inputs
from deployworkbook.costs.units import HOURS_PER_MONTH, MONTHS_PER_YEAR, SECONDS_PER_MONTH
from deployworkbook.formulas.commitment import uncommitted_machines
from deployworkbook.formulas.serverless import billed_gib_s

MILLION = 1e6


def compute_lines(
    i: Inputs, edge: NDArray[np.bool_], machines: Array, energy_kwh: Array
) -> Iterator[BillLine]:
    """Yield the compute part of a month's bill.

    Args:
        i: Inputs.
        edge: Whether boards serve.
        machines: Machines or boards, per load on the last axis.
        energy_kwh: Their energy.
    """
    if i.serving == "serverless":
        yield from _functions(i)
    else:
        yield from _machines(i, np.where(edge[..., None], 0.0, machines))
    trained = np.asarray(i.retrainings_per_month) * i.training_hours
    rate = np.asarray(i.training_usd_per_hour) * i.compute_price_ratio
    yield BillLine("compute", "training", trained, "h", trained * rate)
    board = np.asarray(i.device_usd) * i.compute_price_ratio
    worn = np.asarray(i.devices) / np.asarray(i.device_life_months, float)
    yield BillLine("compute", "devices, over their life", worn, "devices", worn * board)
    broken = failures(i)
    yield BillLine("compute", "devices, replaced", broken, "devices", broken * board)
    drawn = np.where(edge, energy_kwh, 0.0)
    yield BillLine("compute", "energy of devices", drawn, "kWh", drawn * i.electricity_usd_per_kwh)


def failures(i: Inputs) -> Array:
    """Return the number of devices that fail per month."""
    return np.asarray(i.devices * np.asarray(i.device_failures_per_year_share) / MONTHS_PER_YEAR)


def _machines(i: Inputs, machines: Array) -> Iterator[BillLine]:
    price = np.asarray(i.machine_usd_per_hour) * i.compute_price_ratio
    name = "serving, on demand"
    if i.serving == "managed":
        has_devices = np.asarray(i.machine_devices) > 0
        price = price * np.where(has_devices, i.managed_gpu_ratio, i.managed_ratio)
        name = "managed endpoint"
    committed = machines.max(axis=-1) * i.committed_share
    kept = committed * HOURS_PER_MONTH
    rate = price * (1.0 - np.asarray(i.commitment_discount_share))
    yield BillLine("compute", "serving, committed", kept, "h", kept * rate)
    hours = uncommitted_machines(machines, i.load_shares, committed) * HOURS_PER_MONTH
    # The spot market serves its share of all hours, as far as they are not committed.
    share = np.asarray(i.spot_share) / np.maximum(1.0 - np.asarray(i.committed_share), 1e-12)
    share = np.minimum(share, 1.0)
    steady = hours * (1.0 - share)
    yield BillLine("compute", name, steady, "h", steady * price)
    spot = hours * share * (1.0 + np.asarray(i.spot_overhead_share))
    discounted = price * (1.0 - np.asarray(i.spot_discount_share))
    yield BillLine("compute", "serving, spot", spot, "h", spot * discounted)
    disks = machines @ i.load_shares * i.root_disk_gib
    managed = i.serving == "managed"
    per_gib = i.managed_disk_usd_per_gib_month if managed else i.disk_usd_per_gib_month
    cost = disks * per_gib * i.compute_price_ratio
    yield BillLine("compute", "root disks", disks, "GiB", cost)


def _functions(i: Inputs) -> Iterator[BillLine]:
    ratio = np.asarray(i.compute_price_ratio)
    requests = np.asarray(i.requests_per_s) * SECONDS_PER_MONTH
    paid = np.maximum(requests - i.function_free_requests, 0.0)
    per_request = np.asarray(i.function_usd_per_million) / MILLION * ratio
    yield BillLine("compute", "function requests", requests, "", paid * per_request)
    each = billed_gib_s(
        request_s(i, service_s(i)),
        function_mib(i),
        cold_share=cold_share(i),
        start_s=i.function_start_s,
    )
    used = requests * each
    paid = np.maximum(used - i.function_free_gib_s, 0.0)
    is_arm = np.asarray(i.machine_arm_share) > 0
    rate = np.where(is_arm, i.function_arm_usd_per_gib_s, i.function_usd_per_gib_s) * ratio
    yield BillLine("compute", "function time", used, "GiB s", paid * rate)
