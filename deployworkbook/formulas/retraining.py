"""When to retrain: the cost of waiting against the cost of an update.

A model that falls behind makes a few more mistakes every day, so the cost of waiting grows with the
square of the time waited. An update costs the same each time. Someone who reorders goods weighs the
same two, stock against orders, and the optimum has the same form: the economic order quantity.

Source: F. W. Harris, "How many parts to make at once", Factory 10, 1913.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.distributions import check_unit
from deployworkbook.validation import check_array

Array = NDArray[np.float64]


def mistakes_growth_usd(
    requests_per_day: ArrayLike, usd_per_mistake: ArrayLike, lost_per_day: ArrayLike
) -> Array:
    """Return by how much a day's mistakes cost more from one day to the next.

        a = n c r

    Args:
        requests_per_day: n, at least 0; any shape.
        usd_per_mistake: c, USD per wrong answer, at least 0.
        lost_per_day: r, accuracy lost per day, as a share: 0.001 is a tenth of a point.

    Returns:
        USD per day, per day; in the arguments' common shape.

    Raises:
        ValueError: A number is out of range.

    >>> float(mistakes_growth_usd(10_000, 0.05, 0.001))
    0.5
    """
    requests = check_array("requests_per_day", requests_per_day, low=0)
    cost = check_array("usd_per_mistake", usd_per_mistake, low=0)
    return np.asarray(requests * cost * check_unit("lost_per_day", lost_per_day))


def retraining_cost_usd(
    interval_days: ArrayLike,
    *,
    update_usd: ArrayLike,
    growth_usd: ArrayLike,
    remaining_usd: ArrayLike = 0.0,
) -> Array:
    """Return what updating every T days costs per day: updates, and mistakes in between.

        C(T) = K / T + a T / 2 + m

    On the last day before an update the mistakes cost a T more than on the first, and half of that
    on average.

    Args:
        interval_days: T, above 0; any shape.
        update_usd: K, USD per update, at least 0.
        growth_usd: a, from ``mistakes_growth_usd``, at least 0.
        remaining_usd: m, USD per day for mistakes that this way of updating doesn't mend.

    Returns:
        USD per day, in the arguments' common shape.

    Raises:
        ValueError: A number is out of range.

    >>> retraining_cost_usd([5.0, 20.0, 80.0], update_usd=100, growth_usd=0.5).tolist()
    [21.25, 10.0, 21.25]
    """
    interval = check_array("interval_days", interval_days, low=0, open_low=True)
    update = check_array("update_usd", update_usd, low=0)
    growth = check_array("growth_usd", growth_usd, low=0)
    remaining = check_array("remaining_usd", remaining_usd, low=0)
    return np.asarray(update / interval + growth * interval / 2 + remaining)


def best_interval_days(update_usd: ArrayLike, growth_usd: ArrayLike) -> Array:
    """Return the interval at which updates and waiting together cost least.

        dC/dT = -K / T² + a / 2 = 0,   so   T* = √(2 K / a),   C(T*) = √(2 K a) + m

    At T* the updates cost as much as the waiting. Around it the cost is flat: half or twice the
    interval costs a quarter more.

    Args:
        update_usd: K, USD per update, above 0; any shape.
        growth_usd: a, from ``mistakes_growth_usd``, above 0.

    Returns:
        T* in days, in the arguments' common shape.

    Raises:
        ValueError: A number is out of range.

    >>> float(best_interval_days(100, 0.5))
    20.0
    """
    update = check_array("update_usd", update_usd, low=0, open_low=True)
    growth = check_array("growth_usd", growth_usd, low=0, open_low=True)
    return np.asarray(np.sqrt(2 * update / growth))
