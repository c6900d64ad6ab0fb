"""The core computation: a month's cost in parts from the inputs, for numbers and arrays alike.

Each part is a quantity times a price, in float64 and unrounded; ``model`` rounds to the cent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployworkbook.costs.estimation.bill_line import BillLine
from deployworkbook.costs.estimation.breakdown import Kind
from deployworkbook.costs.estimation.compute_lines import compute_lines
from deployworkbook.costs.estimation.machines import busy_machines, fleet
from deployworkbook.costs.estimation.maintenance_lines import maintenance_lines
from deployworkbook.costs.estimation.network_lines import network_lines
from deployworkbook.costs.estimation.record import Inputs
from deployworkbook.costs.estimation.storage_lines import storage_lines
from deployworkbook.costs.units import HOURS_PER_MONTH
from deployworkbook.formulas.energy import energy_kwh

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Month:
    """A month's cost, unrounded.

    Args:
        lines: Parts of the cost.
        machines: Machines in all regions, per load on the last axis; on the edge, boards.
        busy_share: Share of their cores or devices that is busy, on average.
        energy_kwh: Energy of machines or boards.
        able: Whether it can serve at all. Where it cannot, the cost is infinite, and parts,
            machines and energy are meaningless.
    """

    lines: tuple[BillLine, ...]
    machines: Array
    busy_share: Array
    energy_kwh: Array
    able: NDArray[np.bool_]

    @property
    def cost_usd(self) -> Array:
        """Sum of the parts; infinite where it cannot serve."""
        return self._sum(self.lines)

    def cost_of(self, kind: Kind) -> Array:
        """Return the sum of a kind's parts; infinite where it cannot serve."""
        return self._sum(line for line in self.lines if line.kind == kind)

    def _sum(self, lines: Iterable[BillLine]) -> Array:
        total = np.zeros(())
        for line in lines:
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
    some = np.maximum(mean, 1e-12)
    busy = np.where(mean > 0, np.minimum(busy_machines(inputs) / some, 1.0), 0.0)
    energy = _energy(inputs, edge, mean, busy)
    lines = (
        *compute_lines(inputs, edge, serving, energy),
        *storage_lines(inputs, edge, regions, mean),
        *network_lines(inputs, edge, regions, mean),
        *maintenance_lines(inputs, regions),
    )
    return Month(lines, serving, busy, energy, able)


def _energy(i: Inputs, edge: NDArray[np.bool_], mean: Array, busy: Array) -> Array:
    """Return the energy of boards by their load, or of machines: their vCPUs, and devices by load.

    A vCPU's assumed power is an average already. Where a device's idle power is unpublished, it is
    a share of the full.
    """
    published = np.asarray(i.machine_device_watts)
    full = np.where(published > 0, published, i.unpublished_tpu_watts)
    waiting = np.asarray(i.machine_device_idle_watts)
    idle = np.where(waiting > 0, waiting, full * i.device_idle_share)
    devices = np.asarray(i.machine_devices)
    cores = np.asarray(i.machine_vcpus) * i.machine_watts_per_vcpu
    return energy_kwh(
        mean * HOURS_PER_MONTH,
        busy,
        idle_watts=np.where(edge, i.machine_idle_watts, cores + devices * idle),
        full_watts=np.where(edge, i.machine_watts, cores + devices * full),
    )
