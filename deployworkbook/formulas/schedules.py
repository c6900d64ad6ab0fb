"""Learning-rate schedules: long steps at first, short ones at the end.

A constant rate has to serve two purposes. Far from the minimum, long steps save time. Near it, the
noise of small batches keeps the weights moving, the more the longer the steps are. A schedule lets
the rate fall while training goes on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array, check_integer, check_number


def cosine_decay(
    step: ArrayLike, steps: int, highest: float, *, warm_up: int = 0
) -> NDArray[np.float64]:
    """Return the learning rate that falls along half a cosine wave, after a linear warm-up.

        η_t = η t / w  for t < w,  else  η_t = η/2 (1 + cos(π (t - w) / (T - w)))

    Args:
        step: t, from 0; any shape. Steps after the last one have the rate 0.
        steps: T, number of steps, at least 1.
        highest: η, above 0.
        warm_up: w, number of steps in which the rate rises from 0; below ``steps``.

    Returns:
        η_t, the shape of ``step``.

    Raises:
        TypeError: A number has the wrong type.
        ValueError: A number is out of range.

    Source: I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm restarts",
    ICLR 2017; the warm-up: P. Goyal et al., "Accurate, large minibatch SGD", 2017.

    >>> cosine_decay([0, 50, 100], 100, 0.2)
    array([0.2, 0.1, 0. ])
    >>> cosine_decay([0, 5, 10], 100, 0.2, warm_up=10)
    array([0. , 0.1, 0.2])
    """
    count = check_integer("steps", steps, 1)
    first = check_integer("warm_up", warm_up, 0, count - 1)
    eta = check_number("highest", highest, 0, open_low=True)
    t = check_array("step", step, low=0)
    share = np.clip((t - first) / (count - first), 0.0, 1.0)
    rising = t / max(first, 1)
    return np.asarray(eta * np.where(t < first, rising, 0.5 * (1.0 + np.cos(np.pi * share))))
