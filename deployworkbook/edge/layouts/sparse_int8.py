"""Sparse rows of bytes: only the nonzero weights, each after the gap that leads to it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from deployworkbook.edge.layouts.rows import count_bytes, entries_of, row_entries
from deployworkbook.edge.tables import Table, table_of

# Added to a weight, so that its byte holds no sign.
EXCESS = 128


@dataclass(frozen=True, eq=False)
class SparseInt8:
    """The nonzero weights of each output, two bytes each: gap, weight.

        bytes = Σ_rows (2 entries + size of a count),  entries = nonzero + ⌊gaps / 255⌋

    It pays below half of nonzero weights, as dense int8 takes a byte for each weight.

    Args:
        weights: int8, shape ``[in, out]``.

    >>> weights = np.zeros((784, 1), np.int8)
    >>> weights[[3, 10], 0] = 100, -7
    >>> layout = SparseInt8(weights)
    >>> layout.flash_bytes, layout.tables()[1].values.tolist()  # 100 + 128, -7 + 128
    (5, [3, 228, 7, 121])
    """

    weights: NDArray[np.int8]
    name = "sparse int8"
    kernel = "sparse8"
    by_output = True

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Number of entries in each row."""
        return entries_of(self.weights)

    @property
    def flash_bytes(self) -> int:
        """Bytes of its tables: a count for each row, and its entries."""
        return int(count_bytes(self.counts) * len(self.counts) + 2 * max(1, self.counts.sum()))

    def tables(self) -> list[Table]:
        """Build the tables: how many entries each row has, and all entries one after another."""
        rows = [row_entries(weights) for weights in self.weights.T]
        # C has no empty tables, so that an entry that adds nothing stands for none.
        entries = np.array([entry for row in rows for entry in row] or [(0, 0)], np.int16)
        entries[:, 1] += EXCESS
        return [
            table_of("counts", [len(row) for row in rows], "uint8_t", "uint16_t"),
            Table("entries", entries.ravel().astype(np.uint8)),
        ]
