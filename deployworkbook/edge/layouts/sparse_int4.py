"""Sparse rows: only the nonzero weights, each after the gap that leads to it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from deployworkbook.edge.layouts.int4 import EXCESS, check_int4, pack
from deployworkbook.edge.layouts.rows import count_bytes, entries_of, row_entries
from deployworkbook.edge.tables import Table, table_of


@dataclass(frozen=True, eq=False)
class SparseInt4:
    """The nonzero weights of each output in pairs of three bytes: gap, gap, two weights.

        bytes = Σ_rows (3 pairs + size of a count),  pairs = ⌈(nonzero + ⌊gaps / 255⌋) / 2⌉

    A gap is how many inputs to go on from the last weight; a row begins at the first input. A
    weight in four bits with its gap takes a byte and a half, so this layout pays below a third of
    nonzero weights: sparsity above two thirds. Dense int4 takes half a byte for each weight.

    Args:
        weights: From -8 to 7, int8, shape ``[in, out]``.

    Raises:
        ValueError: A weight doesn't fit.

    >>> weights = np.zeros((784, 1), np.int8)
    >>> weights[[3, 10, 600], 0] = 5, -7, 1
    >>> layout = SparseInt4(weights)  # from 10 to 600 in gaps of 255, 255 and 80: 5 weights
    >>> layout.flash_bytes, layout.tables()[1].values.tolist()[:3]  # 5 + 8, and 16 · (-7 + 8)
    (10, [3, 7, 29])
    """

    weights: NDArray[np.int8]
    name = "sparse int4"
    kernel = "sparse"
    by_output = True

    def __post_init__(self) -> None:
        check_int4(self.weights)

    @cached_property
    def pairs(self) -> NDArray[np.int64]:
        """Number of pairs in each row."""
        return -(-entries_of(self.weights) // 2)

    @property
    def flash_bytes(self) -> int:
        """Bytes of its tables: a count for each row, and its pairs."""
        return int(count_bytes(self.pairs) * len(self.pairs) + 3 * max(1, self.pairs.sum()))

    def tables(self) -> list[Table]:
        """Build the tables: how many pairs each row has, and all pairs one after another."""
        rows = [_pairs(weights) for weights in self.weights.T]
        return [
            table_of("counts", [len(row) for row in rows], "uint8_t", "uint16_t"),
            # C has no empty tables.
            Table("pairs", (np.concatenate(rows) if any(map(len, rows)) else _FILLER).ravel()),
        ]


# A pair that adds nothing.
_FILLER = np.zeros((1, 3), np.uint8)


def _pairs(weights: NDArray[np.int8]) -> NDArray[np.uint8]:
    """Return a row's pairs, shape ``[pairs, 3]``."""
    entries = row_entries(weights)
    if len(entries) % 2:
        entries.append((0, 0))
    gaps, values = np.array(entries, np.int16).reshape(-1, 2).T
    return np.column_stack([gaps.astype(np.uint8).reshape(-1, 2), pack(values + EXCESS)])
