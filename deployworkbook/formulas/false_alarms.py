"""False alarms: thresholds from a wanted rate, and what many looks do to it.

Whoever looks at a test of 1 % a hundred times sees it alarm once, with nothing wrong. The cure is
a threshold for the whole stream: simulate clean streams, and choose what few of them exceed.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.distributions import check_unit
from deployworkbook.validation import check_array, check_integer, check_number, value_error

Array = NDArray[np.float64]

# Values held at a time while streams are simulated: about 8 MB.
BATCH_VALUES = 1_000_000


def rate_over_looks(rate: ArrayLike, looks: ArrayLike) -> Array:
    """Return the probability of at least one false alarm in many independent looks.

        1 - (1 - α)^k

    Looks at overlapping data, or against one reference, are alike: then it is an upper bound.

    Args:
        rate: α, false alarms per look, in 0 … 1.
        looks: k, numbers of looks, at least 0.

    Returns:
        From 0 to 1, in the arguments' common shape.

    Raises:
        ValueError: A number is out of range.

    >>> round(float(rate_over_looks(0.01, 100)), 3)
    0.634
    """
    share = check_unit("rate", rate)
    count = check_array("looks", looks, low=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        clean = np.where(count == 0, 0.0, count * np.log1p(-share))
    return np.asarray(-np.expm1(clean))


def rate_per_look(rate: ArrayLike, looks: ArrayLike) -> Array:
    """Return the rate per look that keeps the rate of many independent looks together.

        1 - (1 - α)^(1/k) ≈ α / k

    Args:
        rate: α, wanted probability of any false alarm, in 0 … 1.
        looks: k, numbers of looks, at least 1.

    Returns:
        From 0 to 1, in the arguments' common shape.

    Raises:
        ValueError: A number is out of range.

    Source: Z. Šidák, Journal of the American Statistical Association 62, 1967.

    >>> f"{float(rate_per_look(0.01, 100)):.6f}"
    '0.000100'
    """
    share = check_unit("rate", rate)
    count = check_array("looks", looks, low=1)
    with np.errstate(divide="ignore"):
        return np.asarray(-np.expm1(np.log1p(-share) / count))


def clean_peaks(
    pool: ArrayLike,
    statistic: Callable[[Array], ArrayLike],
    *,
    length: int,
    streams: int,
    seed: int,
) -> Array:
    """Simulate streams without drift, and return the highest value of a statistic in each.

    A stream draws its values from the pool with replacement.

    Args:
        pool: Values, or rows of values, without drift that the detector's reference doesn't
            contain; shape ``[m]`` or ``[m, ...]``.
        statistic: Function from streams, shape ``[s, length, ...]``, to a path of each, shape
            ``[s, t]``; such as ``cusum``.
        length: Values per stream, at least 1.
        streams: Number of streams, at least 1; 2,000 bound a threshold for 1 % well.
        seed: Seed of the random numbers; the result depends on nothing else.

    Returns:
        Shape ``[streams]``.

    Raises:
        TypeError: A number is not whole.
        ValueError: A number is out of range, or the statistic has another shape.

    >>> from deployworkbook.formulas.sequential import cusum
    >>> pool = np.random.default_rng(0).normal(size=5000)
    >>> clean_peaks(pool, cusum, length=100, streams=3, seed=1).shape
    (3,)
    """
    known = check_array("pool", pool)
    n = check_integer("length", length, 1)
    count = check_integer("streams", streams, 1)
    generator = np.random.default_rng(check_integer("seed", seed, 0))
    at_once = max(1, BATCH_VALUES // max(1, n * known[0].size))
    peaks: list[Array] = []
    for start in range(0, count, at_once):
        size = min(at_once, count - start)
        path = np.asarray(statistic(known[generator.integers(0, len(known), (size, n))]))
        if path.ndim != 2 or len(path) != size:
            raise value_error(
                "statistic",
                received=f"a result of shape {path.shape}",
                expected=f"a path per stream, shape ({size}, t)",
            )
        peaks.append(path.max(axis=1))
    return np.concatenate(peaks)


def threshold_from_peaks(peaks: ArrayLike, false_alarms: float) -> float:
    """Return the threshold that at most a wanted share of new clean streams exceeds.

        h = the r-th largest peak,   r = ⌊α (N + 1)⌋

    If a new stream is like the N simulated ones, its peak is equally likely to have any rank among
    them, so that it exceeds h with a probability of at most r / (N + 1) ≤ α.

    Args:
        peaks: Highest values of N clean streams, as from ``clean_peaks``.
        false_alarms: α, the share of streams that may alarm, in (0, 1).

    Raises:
        ValueError: There are too few peaks for that rate, or the rate is out of range.

    Source: V. Vovk, A. Gammerman and G. Shafer, "Algorithmic Learning in a Random World", 2005.

    >>> threshold_from_peaks(range(1, 100), 0.05)  # the fifth largest of 99
    95.0
    """
    highest = np.sort(check_array("peaks", peaks, ndim=1, finite=False))[::-1]
    rate = check_number("false_alarms", false_alarms, 0, 1, open_low=True, open_high=True)
    # 0.05 · 100 is a little below 5 in binary.
    rank = math.floor(rate * (len(highest) + 1) + 1e-9)
    if rank < 1:
        raise value_error(
            "peaks",
            received=str(len(highest)),
            expected=f"at least {math.ceil(1 / rate - 1e-9) - 1:,} for a rate of {rate:g}",
            remedy="Simulate more streams, or allow more false alarms.",
        )
    return float(highest[rank - 1])


def first_alarms(paths: ArrayLike, threshold: float) -> Array:
    """Return after how many steps each stream first exceeds a threshold.

    Args:
        paths: Statistic per step, shape ``[..., t]``.
        threshold: It is an alarm when the statistic is above this.

    Returns:
        Steps from 1, shape ``[...]``; infinite for a stream that never alarms.

    Raises:
        ValueError: The threshold is not finite.

    >>> first_alarms([[0.0, 2.0, 3.0], [0.0, 0.0, 1.0]], 1.5)
    array([ 2., inf])
    """
    above = check_array("paths", paths, finite=False) > check_number("threshold", threshold)
    return np.where(above.any(axis=-1), above.argmax(axis=-1) + 1.0, np.inf)
