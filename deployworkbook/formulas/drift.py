"""The population stability index: how far a histogram has moved from the reference's.

The usual rule, "above 0.1 is drift", ignores how much the index moves by chance. Two histograms of
50 images from one source differ by more than that most of the time. So the index comes here with
the distribution it has when nothing drifts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.chi_squared import chi_squared_quantile, chi_squared_tail
from deployworkbook.validation import check_array, check_integer, value_error

Array = NDArray[np.float64]


def quantile_edges(reference: ArrayLike, bins: int = 10) -> Array:
    """Return the inner edges of bins that hold equal shares of a reference.

    Where many values are equal, such as black pixels, bins are joined, so that none is empty.

    Args:
        reference: Values without drift, shape ``[m]``.
        bins: Number of bins, at least 2.

    Returns:
        At most ``bins - 1`` rising numbers; a value belongs to the bin below the first edge that is
        not smaller.

    Raises:
        TypeError: ``bins`` is not a whole number.
        ValueError: The reference has not one axis, or all of its values are equal.

    >>> quantile_edges([1, 2, 3, 4, 5, 6, 7, 8], bins=4)
    array([2., 4., 6.])
    """
    known = check_array("reference", reference, ndim=1)
    count = check_integer("bins", bins, 2)
    shares = np.arange(1, count) / count
    edges = np.unique(np.quantile(known, shares, method="inverted_cdf"))
    edges = edges[edges < known.max()]
    if len(edges) == 0:
        raise value_error(
            "reference",
            received=f"{len(known):,} values, all or nearly all equal to {known.max():g}",
            expected="values that differ, to make at least two bins",
            remedy="A feature that never changes can be watched by equality.",
        )
    return np.asarray(edges)


def bin_counts(values: ArrayLike, edges: ArrayLike) -> Array:
    """Count the values per bin.

    Args:
        values: Values, shape ``[..., n]``, one window along the last axis.
        edges: Inner edges, rising, shape ``[bins - 1]``, as from ``quantile_edges``.

    Returns:
        Shape ``[..., bins]``.

    Raises:
        ValueError: The edges don't rise, or a value is not finite.

    >>> bin_counts([0, 2, 3, 9], [2.0, 4.0])  # a value at an edge belongs below
    array([2., 1., 1.])
    """
    x = check_array("values", values)
    between = check_array("edges", edges, ndim=1)
    if (np.diff(between) <= 0).any():
        raise value_error("edges", received=str(between.tolist()), expected="rising numbers")
    bins = len(between) + 1
    windows = x.reshape(-1, x.shape[-1])
    places = (
        np.searchsorted(between, windows, side="left") + bins * np.arange(len(windows))[:, None]
    )
    counts = np.bincount(places.ravel(), minlength=bins * len(windows))
    return counts.reshape(*x.shape[:-1], bins).astype(np.float64)


def population_stability_index(counts: ArrayLike, reference_counts: ArrayLike) -> Array:
    """Return the population stability index between two histograms.

        PSI = Σ (p_b - q_b) ln(p_b / q_b),   p_b = (count_b + 1/2) / (n + B/2)

    q is made likewise from the reference's counts. The half a value added to each of the B bins
    keeps an empty one from making the index infinite.

    Args:
        counts: Values per bin, at least 0, shape ``[..., bins]``, one window per row.
        reference_counts: The reference's, in the same bins, shape ``[bins]``.

    Returns:
        Non-negative numbers, shape ``[...]``; 0 for equal shares.

    Raises:
        ValueError: The numbers of bins differ, there are fewer than two, or a count is negative.

    Source: H. Jeffreys' divergence, Proceedings of the Royal Society A 186, 1946; the index: N.
    Siddiqi, "Credit Risk Scorecards", 2006; half a count: F. Perks, 1947.

    >>> float(population_stability_index([150, 50], [100, 100]).round(3))  # 2 · .249 ln(.749 / .5)…
    0.272
    """
    p = _shares("counts", counts)
    q = _shares("reference_counts", reference_counts)
    if p.shape[-1] != q.shape[-1] or q.ndim != 1:
        raise value_error(
            "reference_counts",
            received=f"shape {q.shape}",
            expected=f"a count per bin, shape ({p.shape[-1]},)",
        )
    return np.asarray(((p - q) * np.log(p / q)).sum(axis=-1))


def population_stability_p_value(
    index: ArrayLike, size: int, reference_size: int, bins: int
) -> Array:
    """Return how often chance alone makes an index at least that large.

        PSI ≈ (1/n + 1/m) χ²_(B-1)   without drift

    Args:
        index: PSI, at least 0, any shape.
        size: n, values in the window, at least 1; from about 20 per bin, the formula is right
            within a few percent.
        reference_size: m, values in the reference, at least 1.
        bins: B, at least 2.

    Returns:
        p-values, the shape of ``index``.

    Raises:
        TypeError: A number is not whole.
        ValueError: A number is out of range.

    Source: B. Yurdakul, "Statistical properties of population stability index", Western Michigan
    University, 2018.

    >>> bool(population_stability_p_value(0.1, 100, 6000, 10) > 0.3)  # nothing to worry about
    True
    >>> bool(population_stability_p_value(0.1, 2000, 6000, 10) < 1e-20)
    True
    """
    x = check_array("index", index, low=0)
    return chi_squared_tail(x / _spread(size, reference_size), check_integer("bins", bins, 2) - 1)


def population_stability_threshold(
    size: int, reference_size: int, bins: int, *, false_alarms: float = 0.01
) -> float:
    """Return the index that chance exceeds in few windows without drift.

        (1/n + 1/m) χ²_(B-1, 1-α)

    The rate is an average over references. All windows share the one reference there is, and their
    rate may be several times as high: for a stream, calibrate by ``false_alarms.clean_peaks``.

    Args:
        size: n, values in the window, at least 1.
        reference_size: m, values in the reference, at least 1.
        bins: B, at least 2.
        false_alarms: α, the share of windows that may alarm, in (0, 1).

    Raises:
        TypeError: A size is not a whole number.
        ValueError: A number is out of range.

    Source: as in ``population_stability_p_value``.

    >>> round(population_stability_threshold(200, 6000, 10), 3)  # (1/200 + 1/6000) · 21.666
    0.112
    """
    quantile = chi_squared_quantile(false_alarms, check_integer("bins", bins, 2) - 1)
    return _spread(size, reference_size) * quantile


def population_stability_null(
    reference_counts: ArrayLike, size: int, *, draws: int, seed: int
) -> Array:
    """Simulate the index of windows without drift, for windows too small for χ².

        shares ~ Dirichlet(reference's counts + 1/2),   counts ~ multinomial(n, shares)

    The first draw stands for what a reference of limited size leaves unknown.

    Args:
        reference_counts: Values per bin, at least 0, shape ``[bins]``.
        size: n, values in a window, at least 1.
        draws: Number of windows, at least 1.
        seed: Seed of the random numbers; the result depends on nothing else.

    Returns:
        PSI of each window, shape ``[draws]``.

    Raises:
        TypeError: A number is not whole.
        ValueError: A number is out of range.

    >>> null = population_stability_null(np.full(10, 600), 50, draws=1000, seed=0)
    >>> bool((null > 0.1).mean() > 0.7)  # most clean windows of 50 are "drift"
    True
    """
    known = check_array("reference_counts", reference_counts, ndim=1, low=0)
    n = check_integer("size", size, 1)
    count = check_integer("draws", draws, 1)
    generator = np.random.default_rng(check_integer("seed", seed, 0))
    shares = generator.dirichlet(known + 0.5, count)
    return population_stability_index(generator.multinomial(n, shares), known)


def _spread(size: int, reference_size: int) -> float:
    n, m = check_integer("size", size, 1), check_integer("reference_size", reference_size, 1)
    return 1.0 / n + 1.0 / m


def _shares(name: str, counts: ArrayLike) -> Array:
    count = check_array(name, counts, low=0)
    if count.ndim == 0 or count.shape[-1] < 2:
        raise value_error(name, received=f"shape {count.shape}", expected="at least two bins")
    count = count + 0.5
    return np.asarray(count / count.sum(axis=-1, keepdims=True))
