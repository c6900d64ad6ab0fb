"""Which machine for which model size: CPUs for small models, GPUs or TPUs for large ones, and why.

A device computes hundreds of times as fast as a core, but each call first copies the data to it and
launches its kernels. So a small model doesn't gain enough to pay for the device; a large model or a
large batch does. This module models where that changes, from the catalogue's assumptions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.costs.prices.catalog import MachineType, Processor
from deployworkbook.costs.units import SECONDS_PER_HOUR
from deployworkbook.validation import check_array, check_number, value_error

Array = NDArray[np.float64]


def call_time_s(processor: Processor, operations: ArrayLike, *, batch_size: ArrayLike = 1) -> Array:
    """Return the time per call on a core or a device.

        t = call + batch · operations / rate

    Args:
        processor: Processor of the catalogue; its rate and its time per call are assumptions.
        operations: Multiplications and additions per prediction, at least 0: two per weight of a
            dense layer.
        batch_size: Predictions per call, at least 1.

    Raises:
        ValueError: An argument is out of range.

    >>> from deployworkbook.costs.prices.catalog_file import load_catalog
    >>> t4 = load_catalog().processors["t4"]
    >>> round(float(call_time_s(t4, 2e9)), 9)  # 0.05 ms + 2 · 10⁹ / (20,000 · 10⁹)
    0.00015
    """
    work = check_array("operations", operations)
    batch = check_array("batch_size", batch_size)
    for name, values, low in (("operations", work, 0.0), ("batch_size", batch, 1.0)):
        if values.min() < low:
            raise value_error(name, received=f"{values.min():g}", expected=f"at least {low:g}")
    return np.asarray(processor.call_ms / 1e3 + batch * work / (processor.large_gflops * 1e9))


def usd_per_million(
    machine: MachineType,
    operations: ArrayLike,
    *,
    batch_size: ArrayLike = 1,
    utilisation_share: float = 0.6,
) -> Array:
    """Return the cost of a million predictions on a machine that is paid by the hour.

        price / 3600 / (servers · utilisation) · t / batch · 10⁶

    Args:
        machine: A cloud machine of the catalogue.
        operations: Operations per prediction, as in ``call_time_s``.
        batch_size: Predictions per call.
        utilisation_share: Utilisation of the machine, more than 0.

    Raises:
        ValueError: An argument is out of range, or the machine is an edge board.

    >>> from deployworkbook.costs.prices.catalog_file import load_catalog
    >>> round(float(usd_per_million(load_catalog().machine("c7g.medium"), 2e5)), 6)
    0.00014
    """
    if machine.kind == "edge":
        raise value_error("machine", received=machine.name, expected="one paid by the hour")
    busy = check_number("utilisation_share", utilisation_share, 0, 1, open_low=True)
    time = call_time_s(machine.processor, operations, batch_size=batch_size)
    per_second = machine.price_usd_per_hour / SECONDS_PER_HOUR / (machine.servers * busy)
    return np.asarray(per_second * time / check_array("batch_size", batch_size) * 1e6)
