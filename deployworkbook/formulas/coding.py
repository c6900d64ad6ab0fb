"""How few bytes weights can take: entropy, the limit of every compression without loss."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from deployworkbook.validation import check_array, check_integer, check_number


def binary_entropy(share: float) -> float:
    """Bits that a yes or no carries, if a share of them is yes.

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
    """Bytes that sparse weights take at least, if every place and every value is as likely.

        n (H(s) + (1 - s) b) / 8

    Which weights are 0 takes H(s) bits each, what the others are takes b bits each. Weights whose
    zeros crowd together, or whose values are not all as likely, can take less.

    Args:
        count: n, how many weights.
        sparsity: s, share of them that is 0, from 0 to 1.
        bits: b, of a value that is not 0.

    Raises:
        TypeError: A number is not whole where it must be.
        ValueError: A number is out of range.

    >>> round(sparse_bytes(1000, sparsity=0.95, bits=4), 1)  # 1000 (0.286 + 0.05 · 4) / 8
    60.8
    """
    n, b = check_integer("count", count, 0), check_integer("bits", bits, 0, 64)
    s = check_number("sparsity", sparsity, 0, 1)
    return n * (binary_entropy(s) + (1.0 - s) * b) / 8


def entropy_bytes(values: ArrayLike) -> float:
    """Bytes that an array takes at least, if each value is coded by itself, by how often it occurs.

        -n/8 Σ_v p_v log₂ p_v

    Args:
        values: Any shape, not empty.

    >>> round(entropy_bytes([0, 0, 0, 0, 0, 0, 1, 2]), 2)  # (6 · 0.415 + 2 · 3) / 8
    1.06
    """
    array = check_array("values", values)
    _, counts = np.unique(array, return_counts=True)
    # log₂(n/c) is never negative, so that neither is a sum of nothing but zeros.
    return float((counts * np.log2(array.size / counts)).sum() / 8)
