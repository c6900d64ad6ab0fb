"""Maintenance: hours of work, at what an hour costs the employer.

Hours · wage / the wages' share of what an hour costs. Managed endpoints and functions take a share
of the upkeep of machines.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deployworkbook.costs.estimation.bill_line import Array, BillLine
from deployworkbook.costs.estimation.compute_lines import failures
from deployworkbook.costs.estimation.record import Inputs


def maintenance_lines(i: Inputs, regions: Array) -> Iterator[BillLine]:
    """Yield the maintenance part of a month's bill.

    Args:
        i: Inputs.
        regions: Regions in the cloud; 1 with boards.
    """
    share = np.asarray(i.wages_share, float)
    engineer = np.asarray(i.engineer_wage_usd_per_hour) * i.wage_ratio / share
    technician = np.asarray(i.technician_wage_usd_per_hour) * i.wage_ratio / share
    upkeep = np.asarray(i.upkeep_hours_per_month)
    if i.serving != "machines":
        upkeep = upkeep * i.managed_upkeep_share
    tasks = {
        "updates": np.asarray(i.updates_per_month) * i.hours_per_update,
        "retraining": np.asarray(i.retrainings_per_month) * i.hours_per_retraining,
        "upkeep": upkeep + (regions - 1.0) * i.region_hours_per_month,
        "incidents": np.asarray(i.incidents_per_month) * i.hours_per_incident,
        "supervision of devices": np.asarray(i.devices) * i.device_hours_per_month,
    }
    for name, hours in tasks.items():
        yield BillLine("maintenance", name, hours, "h", hours * engineer)
    visits = failures(i) * i.hours_per_device_visit
    yield BillLine("maintenance", "visits to devices", visits, "h", visits * technician)
