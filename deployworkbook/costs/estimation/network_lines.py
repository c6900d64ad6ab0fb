"""Network: traffic, log lines, the load balancer, public addresses, and NAT gateways.

- Answers: GiB to the internet by tiers. Between zones: only where the balancer is charged for it.
- Log lines: GiB that the log service takes in, beyond what is free.
- Balancer: hours, and capacity units by the dimension that the load uses most
  (``formulas.load_balancer``). Units are linear in the load, so its mean counts.
- Addresses: hours of each; one per zone of a balancer, or one per machine without one.
- NAT gateway: hours, and the GiB that machines without addresses send through it: log lines.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from deployworkbook.costs.estimation.bill_line import Array, BillLine
from deployworkbook.costs.estimation.record import Inputs
from deployworkbook.costs.estimation.storage_lines import lines_gib
from deployworkbook.costs.prices.tiers import mean_usd_per_gib
from deployworkbook.costs.units import GB, GIB, HOURS_PER_MONTH, SECONDS_PER_HOUR, SECONDS_PER_MONTH
from deployworkbook.formulas.load_balancer import capacity_units


def network_lines(
    i: Inputs, edge: NDArray[np.bool_], regions: Array, mean: Array
) -> Iterator[BillLine]:
    """Yield the network part of a month's bill.

    Args:
        i: Inputs.
        edge: Whether boards serve.
        regions: Regions in the cloud; 1 with boards.
        mean: Machines or boards on average.
    """
    rate = np.where(edge, 0.0, i.requests_per_s)
    requests = rate * SECONDS_PER_MONTH
    answers = requests * (np.asarray(i.response_bytes) + i.protocol_bytes_per_request) / GIB
    updates = np.asarray(i.devices) * i.updates_per_month
    rolled = updates * i.download_bytes / GIB
    out = answers + rolled
    ratio = np.asarray(i.network_price_ratio)
    per_gib = mean_usd_per_gib(out, i.internet_tiers) * ratio
    yield BillLine("network", "answers to the internet", answers, "GiB", answers * per_gib)
    yield BillLine("network", "models to devices", rolled, "GiB", rolled * per_gib)
    copied = (regions - 1.0) * i.updates_per_month * i.model_bytes / GIB
    yield BillLine(
        "network", "models to regions", copied, "GiB", copied * i.region_usd_per_gib * ratio
    )
    written = lines_gib(i, edge)
    paid = np.maximum(written - i.log_free_gib, 0.0)
    cost = paid * i.log_intake_usd_per_gib * ratio
    yield BillLine("network", "log lines, taken in", written, "GiB", cost)
    if i.serving == "machines":
        yield from _before_the_machines(i, edge, regions, mean, rate)


def _before_the_machines(
    i: Inputs, edge: NDArray[np.bool_], regions: Array, mean: Array, rate: Array
) -> Iterator[BillLine]:
    """Yield what managed endpoints and functions bring along: balancer, addresses, gateways."""
    ratio = np.asarray(i.network_price_ratio)
    carried = np.asarray(i.request_bytes) + i.response_bytes + 2.0 * i.protocol_bytes_per_request
    other_zones = np.asarray(i.cross_zone_share) * i.charged_between_zones_share
    across = rate * SECONDS_PER_MONTH * carried * other_zones / GIB
    yield BillLine("network", "between zones", across, "GiB", across * i.zone_usd_per_gib * ratio)
    hours = np.where(edge, 0.0, regions * i.balancers) * HOURS_PER_MONTH
    cost = hours * i.balancer_usd_per_hour * ratio
    yield BillLine("network", "load balancer", hours, "h", cost)
    units = _units(i, rate, carried) * np.asarray(i.balancers) * HOURS_PER_MONTH
    cost = units * i.balancer_unit_usd_per_hour * ratio
    yield BillLine("network", "load balancer, capacity units", units, "h", cost)
    of_balancer = np.asarray(regions * i.balancer_zones)
    each = np.where(np.asarray(i.balancers) > 0, of_balancer, mean) * i.public_share
    gateways = np.where(edge, 0.0, regions * i.nat_gateways)
    addresses = (np.where(edge, 0.0, each) + gateways) * HOURS_PER_MONTH
    cost = addresses * i.address_usd_per_hour * ratio
    yield BillLine("network", "public addresses", addresses, "h", cost)
    cost = gateways * HOURS_PER_MONTH * i.nat_usd_per_hour * ratio
    yield BillLine("network", "NAT gateways", gateways * HOURS_PER_MONTH, "h", cost)
    passed = np.where(np.asarray(i.nat_gateways) > 0, lines_gib(i, edge), 0.0)
    yield BillLine("network", "through NAT", passed, "GiB", passed * i.nat_usd_per_gib * ratio)


def _units(i: Inputs, rate: Array, carried: Array) -> Array:
    """Return the capacity units of all balancers together, on average over the month."""
    connections = rate / np.asarray(i.requests_per_connection, float)
    rules = np.maximum(np.asarray(i.routing_rules) - i.free_rules, 0.0)
    counted = np.asarray(i.unit_rule_evaluations_per_s, float)
    return capacity_units(
        connections,
        connections * i.connection_s,
        rate * carried * SECONDS_PER_HOUR / GB,
        rate * rules,
        unit_new_connections_per_s=i.unit_new_connections_per_s,
        unit_open_connections=i.unit_open_connections,
        unit_gb_per_hour=i.unit_gb_per_hour,
        unit_rule_evaluations_per_s=np.where(counted > 0, counted, np.inf),
    )
