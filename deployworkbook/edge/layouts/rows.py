"""Sparse rows as gaps and weights: how many there are, and which."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.edge.tables import smallest_type

# A gap is a byte. A longer one is cut by weights of 0.
LONGEST_GAP = 255


def entries_of(weights: NDArray[np.int8]) -> NDArray[np.int64]:
    """Count the entries of each output's row: nonzero weights, and those that cut a gap.

    Args:
        weights: Shape ``[in, out]``.

    >>> weights = np.zeros((1000, 2), np.int8)
    >>> weights[[3, 258, 900], 1] = 1  # gaps of 3, 255 and 642, which is cut twice
    >>> entries_of(weights)
    array([0, 5])
    """
    rows, places = np.nonzero(weights.T)
    gaps = np.diff(places, prepend=0)
    starts = np.diff(rows, prepend=-1) != 0
    gaps[starts] = places[starts]
    entries = np.zeros(weights.shape[1], np.int64)
    np.add.at(entries, rows, 1 + np.maximum(gaps - 1, 0) // LONGEST_GAP)
    return entries


def row_entries(weights: NDArray[np.int8]) -> list[tuple[int, int]]:
    """List a row's gaps and weights.

    Args:
        weights: Of one output, shape ``[in]``.

    >>> row_entries(np.array([0, 0, 5, -1], np.int8))
    [(2, 5), (1, -1)]
    """
    entries: list[tuple[int, int]] = []
    place = 0
    for index in np.flatnonzero(weights).tolist():
        while index - place > LONGEST_GAP:
            entries.append((LONGEST_GAP, 0))
            place += LONGEST_GAP
        entries.append((index - place, int(weights[index])))
        place = index
    return entries


def count_bytes(counts: ArrayLike) -> int:
    """Return how many bytes each row's count takes: 1 or 2.

    Args:
        counts: Number of entries, or of pairs of them, in each row.
    """
    return 1 if smallest_type(counts, "uint8_t", "uint16_t") == "uint8_t" else 2
