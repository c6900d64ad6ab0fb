"""The Pareto frontier: the choices that no other choice beats in both cost and gain."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array, check_same_shape


def pareto(costs: ArrayLike, gains: ArrayLike) -> NDArray[np.bool_]:
    """Return which choices are on the Pareto frontier.

    A choice is off it if another costs no more and gains no less, and is better in at least one.

    Args:
        costs: For example bytes or milliseconds, shape ``[n]``.
        gains: For example accuracies, shape ``[n]``.

    Returns:
        True for choices on the frontier, shape ``[n]``; equal choices are on it together.

    Raises:
        ValueError: The shapes differ.

    Source: V. Pareto, "Manuale di economia politica", 1906.

    >>> pareto([400.0, 100.0, 120.0], [0.98, 0.97, 0.96])
    array([ True,  True, False])
    """
    cost, gain = check_array("costs", costs, ndim=1), check_array("gains", gains, ndim=1)
    check_same_shape("costs", cost, "gains", gain)
    no_worse = (cost[:, None] <= cost) & (gain[:, None] >= gain)
    better = (cost[:, None] < cost) | (gain[:, None] > gain)
    return np.asarray(~(no_worse & better).any(axis=0))
