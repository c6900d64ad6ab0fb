"""Detectors that look at a stream after every value: CUSUM and Page–Hinkley.

A test of a window is asked once. These are asked after each image, for weeks, so that their
thresholds come from a false-alarm rate over a whole stream: ``formulas.false_alarms``.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array, check_choice, check_integer, check_number

Array = NDArray[np.float64]

# By how much a random walk overshoots a threshold, on average, at both ends together: 2 · 0.583.
OVERSHOOT = 1.166


def normal_scores(values: ArrayLike, reference: ArrayLike) -> Array:
    """Replace values by normal ones of the same rank in a reference.

        z = Φ⁻¹((r + 1/2) / (m + 1)),   r = number of reference values below, ties counting half

    Whatever the distribution, the scores of values like the reference's are nearly standard
    normal: one threshold fits every model, and no single value is beyond Φ⁻¹ of 1 - 1/2(m + 1).

    Args:
        values: Values, any shape.
        reference: Values without drift, shape ``[m]``.

    Returns:
        The shape of ``values``.

    Raises:
        ValueError: The reference has not one axis, or a value is not finite.

    Source: B. L. van der Waerden, "Order tests for the two-sample problem", 1952.

    >>> normal_scores([0.1, 0.2, 9.0], [0.1, 0.2, 0.3]).round(2)  # Φ⁻¹ of 1/4, 1/2 and 7/8
    array([-0.67,  0.  ,  1.15])
    """
    x = check_array("values", values)
    known = np.sort(check_array("reference", reference, ndim=1))
    m = len(known)
    twice = np.searchsorted(known, x, "left") + np.searchsorted(known, x, "right")
    ranks, places = np.unique(twice, return_inverse=True)
    normal = NormalDist()
    scores = [normal.inv_cdf((rank + 1) / (2 * (m + 1))) for rank in ranks.tolist()]
    return np.asarray(scores)[places].reshape(x.shape)


def cusum(values: ArrayLike, *, slack: float = 0.5, start: ArrayLike = 0.0) -> Array:
    """Sum up how far values are above what is usual, and forget whatever falls below 0.

        S_t = max(0, S_(t-1) + x_t - k)

    It is an alarm when S_t exceeds a threshold. If the values are normal, no detector with as few
    false alarms finds a rise of 2 k sooner, in the worst case. To continue a stream, pass its last
    S as ``start``; to notice falls, pass the values' negatives.

    Args:
        values: x, with mean 0 and standard deviation 1 as long as nothing drifts, such as
            ``normal_scores``; shape ``[..., n]``, one stream along the last axis.
        slack: k, half of the rise to be found, at least 0.
        start: S_0, at least 0, a number or the shape ``[...]``.

    Returns:
        S, the shape of ``values``.

    Raises:
        ValueError: A number is out of range or not finite.

    Source: E. S. Page, "Continuous inspection schemes", Biometrika 41, 1954; that none is sooner:
    G. V. Moustakides, Annals of Statistics 14, 1986.

    >>> cusum([1.0, 2.0, -3.0, 1.0], slack=0.5)
    array([0.5, 2. , 0. , 0.5])
    """
    x = check_array("values", values)
    k = check_number("slack", slack, 0)
    first = check_array("start", start, low=0)
    # S exceeds the plain sum by as much as that has fallen below its lowest.
    total = np.cumsum(x - k, axis=-1)
    lowest = np.minimum(np.minimum.accumulate(total, axis=-1), -first[..., None])
    return np.asarray(total - lowest)


def cusum_run_length(threshold: float, *, slack: float = 0.5, shift: float = 0.0) -> float:
    """Return how many normal values CUSUM takes on average until its alarm.

        E[T] ≈ (e^(-2 Δ b) + 2 Δ b - 1) / (2 Δ²),   Δ = shift - k,   b = h + 1.166

    Without a shift it is the mean time between false alarms; with one, the mean delay.

    Args:
        threshold: h, in standard deviations, above 0.
        slack: k, at least 0.
        shift: Mean of the values, in standard deviations.

    Returns:
        A number of values; for thresholds of at least 4, right within a few percent.

    Raises:
        ValueError: A number is out of range.

    Source: D. Siegmund, "Sequential Analysis", 1985, 2.6; the textbook's value for h = 4 is 336.

    >>> round(cusum_run_length(4.0, slack=0.5)), round(cusum_run_length(4.0, slack=0.5, shift=1.0))
    (338, 8)
    """
    b = check_number("threshold", threshold, 0, open_low=True) + OVERSHOOT
    distance = check_number("shift", shift) - check_number("slack", slack, 0)
    exponent = 2.0 * distance * b
    if abs(exponent) < 1e-5:
        return b**2
    if -exponent > 700:
        return math.inf
    return (math.expm1(-exponent) + exponent) / (2.0 * distance**2)


def cusum_threshold(false_alarms: float, length: int, *, slack: float = 0.5) -> float:
    """Return the threshold at which few streams of normal values alarm.

        1 - e^(-n / E[T]) = α,   with E[T] of ``cusum_run_length``

    Args:
        false_alarms: α, the share of streams that may alarm, in (0, 1).
        length: n, values per stream, at least 1.
        slack: k, at least 0.

    Returns:
        h, in standard deviations.

    Raises:
        TypeError: ``length`` is not a whole number.
        ValueError: A number is out of range.

    Source: as in ``cusum_run_length``; that times until false alarms are nearly exponential:
    M. Pollak and A. G. Tartakovsky, Theory of Probability and its Applications 53, 2009.

    >>> round(cusum_threshold(0.01, 10_000, slack=0.5), 2)
    11.95
    """
    rate = check_number("false_alarms", false_alarms, 0, 1, open_low=True, open_high=True)
    wanted = -check_integer("length", length, 1) / math.log1p(-rate)
    low, high = 0.0, 1.0
    while cusum_run_length(high, slack=slack) < wanted:
        low, high = high, 2.0 * high
    # Each halving gains a bit, and float64 has 53.
    for _ in range(60):
        middle = (low + high) / 2.0
        if middle > 0 and cusum_run_length(middle, slack=slack) < wanted:
            low = middle
        else:
            high = middle
    return high


def page_hinkley(
    values: ArrayLike,
    *,
    slack: float = 0.005,
    forgetting: float = 0.9999,
    warm_up: int = 30,
    direction: str = "both",
) -> Array:
    """Sum up how far values are above, or below, the mean so far.

        U_t = φ U_(t-1) + (x_t - x̄_t - δ),   up_t = U_t - min U
        D_t = φ D_(t-1) + (x_t - x̄_t + δ),   down_t = max D - D_t

    x̄_t is the mean of the first t values, so that no reference is needed: a stream that drifts
    from its start, or slowly, moves its own mean and is found late or never.

    Args:
        values: x, shape ``[..., n]``, one stream along the last axis.
        slack: δ, the change that is tolerated, in the unit of the values, at least 0.
        forgetting: φ, in (0, 1].
        warm_up: Number of values until the first result; before it, results are 0. At least 1.
        direction: "up", "down", or "both" for the larger of the two.

    Returns:
        Non-negative numbers, the shape of ``values``; it is an alarm when one exceeds a threshold.

    Raises:
        TypeError: ``warm_up`` is not a whole number.
        ValueError: A number is out of range, or the direction unknown.

    Source: D. V. Hinkley, "Inference about the change-point from cumulative sum tests", Biometrika
    58, 1971; forgetting as in J. Gama et al., "On evaluating stream learning algorithms", 2013.

    >>> page_hinkley([0.0, 0.0, 3.0], slack=0.0, warm_up=1)  # the mean so far is 1
    array([0., 0., 2.])
    """
    x = np.moveaxis(check_array("values", values), -1, 0)
    delta = check_number("slack", slack, 0)
    keep = check_number("forgetting", forgetting, 0, 1, open_low=True)
    first = check_integer("warm_up", warm_up, 1)
    way = check_choice("direction", direction, ("up", "down", "both"))
    mean, rise, fall = (np.zeros(x.shape[1:]) for _ in range(3))
    lowest, highest = np.full(x.shape[1:], np.inf), np.full(x.shape[1:], -np.inf)
    path = np.zeros(x.shape)
    for t, value in enumerate(x, 1):
        mean = mean + (value - mean) / t
        gap = value - mean
        if way != "down":
            rise = keep * rise + (gap - delta)
            lowest = np.minimum(lowest, rise)
            up = rise - lowest
        if way != "up":
            fall = keep * fall + (gap + delta)
            highest = np.maximum(highest, fall)
            down = highest - fall
        if t >= first:
            path[t - 1] = up if way == "up" else down if way == "down" else np.maximum(up, down)
    return np.moveaxis(path, 0, -1)
