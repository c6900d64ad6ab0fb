"""The χ² distribution: how large a sum of squared normal values may be by chance."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array, check_integer, check_number

Array = NDArray[np.float64]


def chi_squared_tail(statistic: ArrayLike, degrees: int) -> Array:
    """Return the probability that χ² is larger than a statistic: its p-value.

        even ν:  e^(-x/2) Σ_(j < ν/2) (x/2)^j / j!
        odd ν:   erfc √(x/2) + e^(-x/2) Σ_(j < (ν-1)/2) (x/2)^(j+1/2) / Γ(j + 3/2)

    Args:
        statistic: x, at least 0, any shape.
        degrees: ν, degrees of freedom, a whole number of at least 1.

    Returns:
        From 0 to 1, the shape of ``statistic``.

    Raises:
        TypeError: ``degrees`` is not a whole number.
        ValueError: A number is out of range.

    Source: M. Abramowitz and I. A. Stegun, "Handbook of Mathematical Functions", 26.4.4, 26.4.5.

    >>> float(chi_squared_tail(21.666, 9).round(4))
    0.01
    """
    half = check_array("statistic", statistic, low=0) / 2.0
    nu = check_integer("degrees", degrees, 1)
    powers = np.arange(nu // 2) + (nu % 2) / 2.0
    factorials = np.array([math.lgamma(power + 1.0) for power in powers.tolist()])
    # Logarithms, because powers and factorials overflow on their own.
    logs = np.log(np.maximum(half, 1e-300))[..., None]
    terms = np.exp(powers * logs - factorials - half[..., None])
    start = np.vectorize(math.erfc, otypes=[float])(np.sqrt(half)) if nu % 2 else 0.0
    return np.asarray(np.minimum(start + terms.sum(axis=-1), 1.0))


def chi_squared_quantile(tail: float, degrees: int) -> float:
    """Return the statistic that χ² exceeds with a given probability.

        x with P(χ²_ν > x) = tail,   by bisection

    Args:
        tail: Probability, in (0, 1), such as 0.01.
        degrees: ν, degrees of freedom, a whole number of at least 1.

    Raises:
        TypeError: ``degrees`` is not a whole number.
        ValueError: A number is out of range.

    >>> round(chi_squared_quantile(0.01, 9), 3)
    21.666
    """
    wanted = check_number("tail", tail, 0, 1, open_low=True, open_high=True)
    low, high = 0.0, 1.0
    while float(chi_squared_tail(high, degrees)) > wanted:
        low, high = high, 2.0 * high
    # Each halving gains a bit, and float64 has 53.
    for _ in range(60):
        middle = (low + high) / 2.0
        if float(chi_squared_tail(middle, degrees)) > wanted:
            low = middle
        else:
            high = middle
    return high
