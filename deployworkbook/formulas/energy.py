"""Energy by load: what a machine draws when it waits, and what its work adds.

A board rarely runs at full load, so its maximum power times the hours is several times too much.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array, value_error

Array = NDArray[np.float64]


def energy_kwh(
    hours: ArrayLike,
    busy_share: ArrayLike,
    *,
    idle_watts: ArrayLike,
    full_watts: ArrayLike,
) -> Array:
    """Return the energy of a machine that is busy for a part of the time.

        E = T (P_0 + u (P_1 - P_0)) / 1000

    Args:
        hours: T, hours that it is switched on, at least 0; any shape.
        busy_share: u, share of its cores or devices that is busy on average, from 0 to 1; more
            counts as 1.
        idle_watts: P_0, power when it waits, at least 0.
        full_watts: P_1, power when all of it is busy, at least ``idle_watts``.

    Returns:
        kWh, in the arguments' common shape.

    Raises:
        ValueError: A number is out of range.

    Source: L. A. Barroso and U. Hölzle, "The case for energy-proportional computing", Computer
    40(12), 2007, which measures this line on servers.

    >>> float(energy_kwh(100, 0.5, idle_watts=3, full_watts=9))  # 6 W for 100 hours
    0.6
    """
    on = check_array("hours", hours, low=0)
    busy = check_array("busy_share", busy_share, low=0)
    idle = check_array("idle_watts", idle_watts, low=0)
    full = check_array("full_watts", full_watts)
    if (full < idle).any():
        received = f"{full.min():g}, with idle_watts {idle.max():g}"
        raise value_error("full_watts", received=received, expected="at least idle_watts")
    return np.asarray(on * (idle + np.minimum(busy, 1.0) * (full - idle)) / 1e3)
