"""Two tests of whether two samples have one source: Kolmogorov–Smirnov, and χ² for classes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.chi_squared import chi_squared_tail
from deployworkbook.validation import check_array, check_integer, check_number, value_error

Array = NDArray[np.float64]


def kolmogorov_smirnov(values: ArrayLike, reference: ArrayLike) -> Array:
    """Return the largest distance between the distributions of windows and of a reference.

        D = max over x of |F_window(x) - F_reference(x)|

    F(x) is the share of values of at most x.

    Args:
        values: Values, shape ``[..., n]``, one window along the last axis.
        reference: Values without drift, shape ``[m]``.

    Returns:
        From 0 to 1, shape ``[...]``.

    Raises:
        ValueError: The reference has not one axis, or a value is not finite.

    Source: N. V. Smirnov, "On the estimation of the discrepancy between empirical curves of
    distribution for two independent samples", 1939.

    >>> float(kolmogorov_smirnov([1, 2, 3, 4], [3, 4, 5, 6]))
    0.5
    """
    x = np.sort(check_array("values", values), axis=-1)
    known = np.sort(check_array("reference", reference, ndim=1))
    n, m = x.shape[-1], len(known)
    # Between two values of the window its F is constant, and the reference's rises. So the distance
    # is largest at a value, or just below one.
    at, below = np.searchsorted(known, x, "right") / m, np.searchsorted(known, x, "left") / m
    steps = np.arange(n + 1) / n
    # Of equal values, only the last one's F counts, and only the first one's below.
    is_last = np.concatenate([x[..., 1:] > x[..., :-1], np.ones((*x.shape[:-1], 1), bool)], -1)
    is_first = np.concatenate([np.ones((*x.shape[:-1], 1), bool), is_last[..., :-1]], -1)
    over = np.where(is_last, np.abs(steps[1:] - at), 0.0)
    under = np.where(is_first, np.abs(below - steps[:-1]), 0.0)
    return np.asarray(np.maximum(over, under).max(axis=-1))


def kolmogorov_smirnov_p_value(distance: float, size: int, reference_size: int) -> float:
    """Return how often chance alone makes a distance at least that large, exactly.

    All orders of n values among m are equally likely. Each is a path of n steps up and m to the
    right; those that stay closer to the diagonal than D are counted row by row. Equal values make
    the true probability smaller.

    Args:
        distance: D, in 0 … 1.
        size: n, values in the window, at least 1.
        reference_size: m, values in the reference, at least 1.

    Raises:
        TypeError: A size is not a whole number.
        ValueError: A number is out of range.

    Source: J. L. Hodges, "The significance probability of the Smirnov two-sample test", Arkiv för
    Matematik 3, 1958.

    >>> round(kolmogorov_smirnov_p_value(1.0, 3, 3), 6)  # 2 of the 20 orders
    0.1
    """
    d = check_number("distance", distance, 0, 1)
    n = check_integer("size", size, 1)
    m = check_integer("reference_size", reference_size, 1)
    # The shorter side in the loop. A path is outside where |i / n - j / m| ≥ D; both sides are
    # whole numbers once multiplied by n m, and the tolerance is for D's rounding.
    n, m = min(n, m), max(n, m)
    reach = d * n * m - 1e-6
    row = np.zeros(m + 1)
    for i in range(n + 1):
        low = max(0, math.floor((i * m - reach) / n) + 1)
        high = min(m, math.ceil((i * m + reach) / n) - 1)
        if high < low:
            return 1.0
        inside = np.zeros(m + 1)
        if i == 0:
            inside[low : high + 1] = 1.0 if low == 0 else 0.0
        else:
            # Paths come from below and from the left. Scaled so that the last count is a share.
            inside[low : high + 1] = np.cumsum(row[low : high + 1]) * (i / (m + i))
        row = inside
    return float(min(1.0, max(0.0, 1.0 - row[m])))


def kolmogorov_tail(scaled: ArrayLike) -> Array:
    """Return how often a large sample's scaled distance is larger: Kolmogorov's distribution.

        Q(z) = 2 Σ_(k ≥ 1) (-1)^(k-1) e^(-2 k² z²),   z = D √(n m / (n + m))

    Args:
        scaled: z, at least 0, any shape.

    Returns:
        From 0 to 1, the shape of ``scaled``. As a p-value it is a little too large for small
        samples.

    Raises:
        ValueError: A number is negative.

    Source: A. N. Kolmogorov, 1933; the second form, for small z, follows from it by Poisson's
    summation.

    >>> float(kolmogorov_tail(1.628).round(3))
    0.01
    """
    z = check_array("scaled", scaled, low=0)
    k = np.arange(1, 21)
    signs = np.where(k % 2, 2.0, -2.0)
    tail = (signs * np.exp(-2.0 * (k * z[..., None]) ** 2)).sum(axis=-1)
    # Below 1, the alternating series cancels: 1 - √(2π)/z Σ e^(-(2k-1)² π² / 8 z²) doesn't.
    small = np.maximum(z, 1e-8)[..., None]
    exponents = -(((2 * k - 1) * np.pi / small) ** 2) / 8.0
    body = np.sqrt(2.0 * np.pi) / small[..., 0] * np.exp(exponents).sum(axis=-1)
    return np.asarray(np.where(z < 1.0, 1.0 - body, tail))


def chi_squared_distance(counts: ArrayLike, reference_counts: ArrayLike) -> Array:
    """Return the χ² statistic of whether counts per class have one source.

        χ² = Σ over both rows and all classes of (observed - expected)² / expected

    expected = row's total · class's total / total.

    Args:
        counts: Values per class, at least 0, shape ``[..., classes]``, one window per row.
        reference_counts: The reference's, shape ``[classes]``.

    Returns:
        Non-negative numbers, shape ``[...]``. A class that is in neither adds nothing.

    Raises:
        ValueError: The numbers of classes differ, a row is empty, or a count is negative.

    Source: K. Pearson, 1900; for two samples, R. A. Fisher, 1922.

    >>> float(chi_squared_distance([15, 5], [10, 10]).round(3))  # 4 · 2.5² / 12.5, or / 7.5
    2.667
    """
    seen = check_array("counts", counts, low=0)
    known = check_array("reference_counts", reference_counts, ndim=1, low=0)
    if seen.ndim == 0 or seen.shape[-1] != len(known):
        raise value_error(
            "counts", received=f"shape {seen.shape}", expected=f"{len(known)} classes in a row"
        )
    n, m = seen.sum(axis=-1), known.sum()
    if not (n > 0).all() or not m > 0:
        raise value_error("counts", received="an empty window or reference", expected="some values")
    # For two rows the sum is one over classes of n m (p - q)² / class's total.
    gap = (seen / n[..., None] - known / m) ** 2
    both = seen + known
    terms = np.divide(gap, both, out=np.zeros_like(both), where=both > 0)
    return np.asarray(n * m * terms.sum(axis=-1))


def chi_squared_p_value(counts: ArrayLike, reference_counts: ArrayLike) -> Array:
    """Return how often chance alone makes counts per class differ at least that much.

        P(χ²_(k-1) > χ²),   k classes that either has

    Args:
        counts: Values per class, at least 0, shape ``[..., classes]``, one window per row; from
            about 5 expected per class, the distribution is a good approximation.
        reference_counts: The reference's, shape ``[classes]``.

    Returns:
        p-values, shape ``[...]``; 1 if there is only one class.

    Raises:
        ValueError: As in ``chi_squared_distance``.

    Source: as in ``chi_squared_distance``.

    >>> float(chi_squared_p_value([15, 5], [10, 10]).round(3))
    0.102
    """
    statistic = chi_squared_distance(counts, reference_counts)
    classes = np.count_nonzero(np.asarray(counts) + np.asarray(reference_counts), axis=-1)
    p = np.ones(statistic.shape)
    for k in np.unique(classes[classes > 1]).tolist():
        p = np.where(classes == k, chi_squared_tail(statistic, k - 1), p)
    return p
