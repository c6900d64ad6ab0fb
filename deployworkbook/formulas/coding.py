"""How few bytes weights can take: entropy, the limit of lossless compression."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from deployworkbook.validation import check_array, check_integer, check_number


def binary_entropy(share: float) -> float:
    """Return the bits that a yes-or-no answer carries, if a share of the answers is yes.

        H(s) = -s log₂ s - (1 - s) log₂(1 - s),  0 log₂ 0 = 0

    Args:
        share: s, from 0 to 1.

    Returns:
        From 0 to 1 bit.

    Raises:
        ValueError: ``share`` is out of range.

    Source: C. Shannon, "A mathematical theory of communication", 1948.

    >>> binary_entropy(0.5), round(binary_entropy(0.95), 3)
    (1.0, 0.286)
    """
    s = check_number("share", share, 0, 1)
    return float(sum(-p * np.log2(p) for p in (s, 1.0 - s) if p > 0))


def sparse_bytes(count: int, *, sparsity: float, bits: int) -> float:
    """Return the fewest bytes for sparse weights, if all positions and values are equally likely.

        n (H(s) + (1 - s) b) / 8

    Saying which weights are 0 takes H(s) bits per weight; the values of the others take b bits
    each. Weights whose zeros cluster, or whose values are not equally likely, can take less.

    Args:
        count: n, number of weights.
        sparsity: s, share of weights that are 0, from 0 to 1.
        bits: b, bits per nonzero value.

    Raises:
        TypeError: ``count`` or ``bits`` is not a whole number.
        ValueError: A number is out of range.

    >>> round(sparse_bytes(1000, sparsity=0.95, bits=4), 1)  # 1000 (0.286 + 0.05 · 4) / 8
    60.8
    """
    n, b = check_integer("count", count, 0), check_integer("bits", bits, 0, 64)
    s = check_number("sparsity", sparsity, 0, 1)
    return n * (binary_entropy(s) + (1.0 - s) * b) / 8


def entropy_bytes(values: ArrayLike) -> float:
    """Return the fewest bytes for an array if each value is coded by itself, by its frequency.

        -n/8 Σ_v p_v log₂ p_v

    Args:
        values: Any shape, not empty.

    >>> round(entropy_bytes([0, 0, 0, 0, 0, 0, 1, 2]), 2)  # (6 · 0.415 + 2 · 3) / 8
    1.06
    """
    array = check_array("values", values)
    _, counts = np.unique(array, return_counts=True)
    # log₂(n/c) rather than -log₂(c/n): a constant array then gives 0, not -0.
    return float((counts * np.log2(array.size / counts)).sum() / 8)
