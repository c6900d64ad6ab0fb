"""Maximum mean discrepancy: have many numbers at once, such as an embedding, moved together?"""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array, check_integer, check_number, value_error

Array = NDArray[np.float64]


def squared_distances(first: ArrayLike, second: ArrayLike) -> Array:
    """Return the squared Euclidean distance of each row of one sample to each of another.

        |x - y|² = |x|² + |y|² - 2 x · y

    Args:
        first: Rows, shape ``[n, d]``.
        second: Rows, shape ``[m, d]``.

    Returns:
        Shape ``[n, m]``.

    Raises:
        ValueError: The samples have not two axes, or different numbers of columns.

    >>> squared_distances([[0, 0]], [[3, 4], [0, 1]])
    array([[25.,  1.]])
    """
    x = check_array("first", first, ndim=2)
    y = check_array("second", second, ndim=2, shape=(None, x.shape[1]))
    # Distances of centred rows are the same, and lose fewer digits.
    centre = x.mean(axis=0)
    x, y = x - centre, y - centre
    squares = (x**2).sum(axis=1)[:, None] + (y**2).sum(axis=1) - 2.0 * x @ y.T
    return np.asarray(np.maximum(squares, 0.0))


def median_width(sample: ArrayLike) -> float:
    """Return the median distance between rows, a usual width of the kernel.

    Args:
        sample: Rows, shape ``[n, d]``, n at least 2.

    Returns:
        A positive number.

    Raises:
        ValueError: There is only one row, or most rows are equal.

    Source: A. Gretton et al., as in ``mean_discrepancy``, section 8.

    >>> median_width([[0.0], [1.0], [3.0]])  # of 1, 2 and 3
    2.0
    """
    squares = squared_distances(sample, sample)
    pairs = squares[np.triu_indices(len(squares), 1)]
    width = math.sqrt(float(np.median(pairs))) if len(pairs) else 0.0
    if width == 0:
        raise value_error(
            "sample", received="mostly equal rows, or one", expected="rows that differ"
        )
    return width


def gaussian_kernel(first: ArrayLike, second: ArrayLike, *, width: float) -> Array:
    """Return how alike rows are: 1 for equal ones, near 0 for those many widths apart.

        k(x, y) = e^(-|x - y|² / 2 w²)

    Args:
        first: Rows, shape ``[n, d]``.
        second: Rows, shape ``[m, d]``.
        width: w, above 0, as from ``median_width``.

    Returns:
        Shape ``[n, m]``.

    Raises:
        ValueError: The shapes don't fit, or the width is not above 0.

    >>> float(gaussian_kernel([[0.0]], [[2.0]], width=1.0).round(4)[0, 0])  # e⁻²
    0.1353
    """
    w = check_number("width", width, 0, open_low=True)
    return np.asarray(np.exp(squared_distances(first, second) / (-2.0 * w**2)))


def mean_discrepancy(sample: ArrayLike, reference: ArrayLike, *, width: float) -> float:
    """Return the squared maximum mean discrepancy, without bias.

        MMD² = mean of k(x, x') + mean of k(y, y') - 2 · mean of k(x, y)

    over pairs of different rows. It is 0 on average if both have one source, whatever their
    dimension, and positive otherwise; a single value may be negative.

    Args:
        sample: x, shape ``[n, d]``, n at least 2.
        reference: y, shape ``[m, d]``, m at least 2.
        width: Width of the Gaussian kernel, above 0.

    Raises:
        ValueError: A sample has fewer than two rows, or the shapes don't fit.

    Source: A. Gretton et al., "A kernel two-sample test", Journal of Machine Learning Research 13,
    2012, lemma 6.

    >>> round(mean_discrepancy([[0.0], [0.0]], [[9.0], [9.0]], width=1.0), 3)  # 1 + 1 - 2 · 0
    2.0
    """
    kernel, n = _pooled_kernel(sample, reference, width)
    members = np.zeros(len(kernel))
    members[:n] = 1.0
    return float(discrepancy_of_members(kernel, members, 1.0 - members))


def discrepancy_of_members(kernel: ArrayLike, members: ArrayLike, others: ArrayLike) -> Array:
    """Return MMD² of samples that are chosen from one pool, by the pool's kernel.

    It makes thousands of permutations, or of windows drawn from a pool, two matrix products.

    Args:
        kernel: Kernel between the pool's rows, shape ``[r, r]``, symmetric, 1 on the diagonal.
        members: How often each row is in the first sample, shape ``[..., r]``; two or more in all.
        others: How often it is in the second, a shape that broadcasts against that of ``members``.

    Returns:
        MMD², shape ``[...]``.

    Raises:
        ValueError: A sample has fewer than two rows, or the shapes don't fit.

    Source: as in ``mean_discrepancy``.

    >>> float(discrepancy_of_members(np.eye(4), [1, 1, 0, 0], [0, 0, 1, 1]))
    0.0
    """
    k = check_array("kernel", kernel, ndim=2)
    a = check_array("members", members, shape=(len(k),), low=0)
    b = check_array("others", others, shape=(len(k),), low=0)
    n, m = a.sum(axis=-1), b.sum(axis=-1)
    if min(n.min(), m.min()) < 2:
        raise value_error(
            "members",
            received=f"{min(n.min(), m.min()):g} rows",
            expected="at least two per sample",
        )
    from_a, from_b = a @ k, b @ k
    # Each row's pair with itself, of kernel 1, doesn't count.
    within_a = ((from_a * a).sum(axis=-1) - n) / (n * (n - 1.0))
    within_b = ((from_b * b).sum(axis=-1) - m) / (m * (m - 1.0))
    between = (from_a * b).sum(axis=-1) / (n * m)
    return np.asarray(within_a + within_b - 2.0 * between)


def mean_discrepancy_p_value(
    sample: ArrayLike,
    reference: ArrayLike,
    *,
    width: float,
    permutations: int = 500,
    seed: int = 0,
) -> float:
    """Return how often a random division of all rows has an MMD² at least that large.

        p = (1 + number of permutations with MMD² ≥ the observed) / (1 + permutations)

    If there are no more divisions than ``permutations``, each is tried once, and p is exact.

    Args:
        sample: Rows, shape ``[n, d]``, n at least 2.
        reference: Rows, shape ``[m, d]``, m at least 2; keep n + m below some thousands, because
            the kernel has a number for each pair.
        width: Width of the Gaussian kernel, above 0; choose it from the reference alone.
        permutations: Number of random divisions, at least 1; p is never below 1 / (1 + this).
        seed: Seed of the random numbers; the result depends on nothing else.

    Raises:
        TypeError: A number is not whole.
        ValueError: A number is out of range, or the shapes don't fit.

    Source: as in ``mean_discrepancy``; the one added to both: B. Phipson and G. K. Smyth,
    "Permutation p-values should never be zero", 2010.

    >>> mean_discrepancy_p_value([[0.0], [1.0]], [[9.0], [8.0]], width=2.0)  # 2 of 6 divisions
    0.3333333333333333
    """
    kernel, n = _pooled_kernel(sample, reference, width)
    count = check_integer("permutations", permutations, 1)
    rows = len(kernel)
    observed = np.zeros(rows)
    observed[:n] = 1.0
    is_exact = math.comb(rows, n) <= count
    if is_exact:
        members = np.zeros((math.comb(rows, n), rows))
        for row, chosen in zip(members, combinations(range(rows), n), strict=True):
            row[list(chosen)] = 1.0
    else:
        generator = np.random.default_rng(check_integer("seed", seed, 0))
        members = generator.permuted(np.tile(observed, (count, 1)), axis=1)
    by_chance = discrepancy_of_members(kernel, members, 1.0 - members)
    least = float(discrepancy_of_members(kernel, observed, 1.0 - observed))
    # The same division, summed in another order, must count as equal.
    larger = int((by_chance >= least - 1e-12).sum())
    return larger / len(members) if is_exact else (1 + larger) / (1 + count)


def _pooled_kernel(sample: ArrayLike, reference: ArrayLike, width: float) -> tuple[Array, int]:
    x = check_array("sample", sample, ndim=2)
    y = check_array("reference", reference, ndim=2, shape=(None, x.shape[1]))
    pool = np.concatenate([x, y])
    kernel = gaussian_kernel(pool, pool, width=width)
    np.fill_diagonal(kernel, 1.0)
    return kernel, len(x)
