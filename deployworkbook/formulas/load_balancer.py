"""Capacity units of a load balancer: it charges for the dimension that a load uses most.

An application balancer of Amazon counts new connections, open connections, GB and rules; a network
balancer counts the first three. A load that needs two units of one and half a unit of the others
pays for two.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array

Array = NDArray[np.float64]


def capacity_units(
    new_connections_per_s: ArrayLike,
    open_connections: ArrayLike,
    gb_per_hour: ArrayLike,
    rule_evaluations_per_s: ArrayLike = 0.0,
    *,
    unit_new_connections_per_s: ArrayLike,
    unit_open_connections: ArrayLike,
    unit_gb_per_hour: ArrayLike,
    unit_rule_evaluations_per_s: ArrayLike = np.inf,
) -> Array:
    """Return the units that a load uses: those of its most demanding dimension.

        u = max_d load_d / unit_d

    Args:
        new_connections_per_s: Connections opened per second, at least 0; any shape.
        open_connections: Connections open at once.
        gb_per_hour: Requests and answers together, in GB.
        rule_evaluations_per_s: Routing rules evaluated per second beyond the free ones.
        unit_new_connections_per_s: What one unit holds of each dimension, more than 0.
        unit_open_connections: Likewise.
        unit_gb_per_hour: Likewise.
        unit_rule_evaluations_per_s: Likewise; infinite where rules are free.

    Returns:
        Units, fractional, in the arguments' common shape.

    Raises:
        ValueError: A load is negative, or a unit isn't positive.

    Source: Amazon, "Elastic Load Balancing pricing", whose example has 1 new connection a second,
    each open for two minutes, 300 KB and 5 requests a second, and 50 rules beyond the free ten.

    >>> amazon = {"unit_new_connections_per_s": 25, "unit_open_connections": 3000}
    >>> amazon |= {"unit_gb_per_hour": 1, "unit_rule_evaluations_per_s": 1000}
    >>> float(capacity_units(1, 120, 1.08, 5 * 50, **amazon))
    1.08
    """
    pairs = {
        "new_connections_per_s": (new_connections_per_s, unit_new_connections_per_s),
        "open_connections": (open_connections, unit_open_connections),
        "gb_per_hour": (gb_per_hour, unit_gb_per_hour),
        "rule_evaluations_per_s": (rule_evaluations_per_s, unit_rule_evaluations_per_s),
    }
    used = np.zeros(())
    for name, (load, unit) in pairs.items():
        units = check_array(f"unit_{name}", unit, finite=False, low=0, open_low=True)
        used = np.maximum(used, check_array(name, load, low=0) / units)
    return np.asarray(used)
