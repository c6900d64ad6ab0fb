"""Storage: what is kept, by tiers; writes, reads and retrieval; and what the log service keeps.

- Kept: GiB · the tiers' price. Logged requests may go to a storage of their own, such as an
  archive, which bills a least time and, per object, an index of its own and a name elsewhere.
- Bought speed: operations/s and MiB/s beyond what a volume has, a month.
- Log service: GiB kept; what it takes in is among the network's lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from deployworkbook.costs.estimation.bill_line import Array, BillLine
from deployworkbook.costs.estimation.record import Inputs
from deployworkbook.costs.prices.entries import Tier
from deployworkbook.costs.prices.tiers import mean_usd_per_gib
from deployworkbook.costs.units import GIB, SECONDS_PER_MONTH

KIB_PER_GIB = 2**20


def storage_lines(
    i: Inputs, edge: NDArray[np.bool_], regions: Array, mean: Array
) -> Iterator[BillLine]:
    """Yield the storage part of a month's bill.

    Args:
        i: Inputs.
        edge: Whether boards serve.
        regions: Regions in the cloud; 1 with boards.
        mean: Machines or boards on average.
    """
    logged = np.asarray(i.requests_per_s) * SECONDS_PER_MONTH * i.logged_share
    logged_gib = logged * (np.asarray(i.request_bytes) + i.response_bytes) / GIB
    objects = logged / np.asarray(i.logged_per_object_ratio, float)
    kept = {
        "model versions": np.asarray(i.versions_kept) * i.model_bytes * regions / GIB,
        "training data": np.asarray(i.training_data_bytes) / GIB,
    }
    if i.log_tiers is None:
        kept["logged requests"] = logged_gib * i.logs_kept_months
    whole = np.asarray(sum(kept.values()))
    paid = np.maximum(whole, i.storage_minimum_gib)
    ratio = np.asarray(i.storage_price_ratio)
    # The tiers apply to everything stored; each part pays its share of the total.
    per_gib = mean_usd_per_gib(paid, i.storage_tiers) * ratio
    for name, amount in kept.items():
        yield BillLine("storage", name, amount, "GiB", amount * per_gib)
    if i.log_tiers is not None:
        yield from _own_logs(i, i.log_tiers, logged_gib, objects)
    unused = paid - whole
    yield BillLine("storage", "room paid for and not used", unused, "GiB", unused * per_gib)
    writes = np.asarray(i.updates_per_month) * regions + i.retrainings_per_month
    if i.log_tiers is None:
        writes = writes + objects
    yield BillLine("storage", "writes", writes, "", writes / 1e3 * i.write_usd_per_thousand * ratio)
    # Every machine fetches each version; on the edge one copy goes to the roll-out.
    starts = np.asarray(i.updates_per_month) * np.where(edge, 1.0, mean)
    reads = starts + i.retrainings_per_month
    yield BillLine("storage", "reads", reads, "", reads / 1e3 * i.read_usd_per_thousand * ratio)
    fetched = (starts * i.model_bytes + i.retrainings_per_month * i.training_data_bytes) / GIB
    yield BillLine(
        "storage", "retrieval", fetched, "GiB", fetched * i.retrieval_usd_per_gib * ratio
    )
    yield from _bought_speed(i)
    stored = lines_gib(i, edge) * i.log_store_months
    cost = stored * i.log_store_usd_per_gib_month * ratio
    yield BillLine("storage", "log lines, kept", stored, "GiB", cost)


def lines_gib(i: Inputs, edge: NDArray[np.bool_]) -> Array:
    """Return the GiB per month that the requests write to the log service."""
    requests = np.where(edge, 0.0, i.requests_per_s) * SECONDS_PER_MONTH
    return np.asarray(requests * i.log_lines_per_request * i.log_line_bytes / GIB)


def _own_logs(
    i: Inputs, tiers: Sequence[Tier], logged_gib: Array, objects: Array
) -> Iterator[BillLine]:
    """Yield the lines of logged requests that have a storage of their own."""
    ratio = np.asarray(i.storage_price_ratio)
    months = np.maximum(i.logs_kept_months, i.log_minimum_months)
    indexes = objects * i.log_index_kib_per_object / KIB_PER_GIB
    amount = (logged_gib + indexes) * months
    cost = amount * mean_usd_per_gib(amount, tiers) * ratio
    yield BillLine("storage", "logged requests", amount, "GiB", cost)
    names = objects * i.log_name_kib_per_object / KIB_PER_GIB * months
    cost = names * i.name_usd_per_gib * ratio
    yield BillLine("storage", "names of archived objects", names, "GiB", cost)
    cost = objects / 1e3 * i.log_write_usd_per_thousand * ratio
    yield BillLine("storage", "writes of logged requests", objects, "", cost)


def _bought_speed(i: Inputs) -> Iterator[BillLine]:
    ratio = np.asarray(i.storage_price_ratio)
    operations, mib = np.asarray(i.extra_operations_per_s), np.asarray(i.extra_mib_per_s)
    cost = operations * i.usd_per_operation_per_s * ratio
    yield BillLine("storage", "operations bought", operations, "/s", cost)
    cost = mib * i.usd_per_mib_per_s * ratio
    yield BillLine("storage", "throughput bought", mib, "MiB/s", cost)
