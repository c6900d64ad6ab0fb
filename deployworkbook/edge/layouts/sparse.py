"""Sparse rows: only the nonzero weights, each after the gap that leads to it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from deployworkbook.edge.layouts.int4 import EXCESS, check_int4, pack
from deployworkbook.edge.tables import Table, smallest_type, table_of

# A gap is a byte. A longer one is cut by weights of 0.
LONGEST_GAP = 255


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
        outputs = self.weights.shape[1]
        # Gaps are counted from each nonzero weight to the one before it in its row.
        rows, columns = np.nonzero(self.weights.T)
        gaps = np.diff(columns, prepend=0)
        starts = np.diff(rows, prepend=-1) != 0
        gaps[starts] = columns[starts]
        entries = np.zeros(outputs, np.int64)
        np.add.at(entries, rows, 1 + np.maximum(gaps - 1, 0) // LONGEST_GAP)
        return -(-entries // 2)

    @property
    def flash_bytes(self) -> int:
        """Bytes of its tables: a count for each row, and its pairs."""
        return int(self._count_bytes * len(self.pairs) + 3 * self.pairs.sum())

    def tables(self) -> list[Table]:
        """Build the tables: how many pairs each row has, and all pairs one after another."""
        rows = [self._row(self.weights[:, output]) for output in range(self.weights.shape[1])]
        counts = [len(row) for row in rows]
        packed = np.concatenate([np.zeros((0, 3), np.uint8), *rows])
        return [
            table_of("counts", counts, "uint8_t", "uint16_t"),
            Table("pairs", packed.ravel()),
        ]

    @property
    def _count_bytes(self) -> int:
        return 1 if smallest_type(self.pairs, "uint8_t", "uint16_t") == "uint8_t" else 2

    @staticmethod
    def _row(weights: NDArray[np.int8]) -> NDArray[np.uint8]:
        """Return a row's pairs, shape ``[pairs, 3]``."""
        gaps: list[int] = []
        values: list[int] = []
        place = 0
        for index in np.flatnonzero(weights).tolist():
            while index - place > LONGEST_GAP:
                gaps.append(LONGEST_GAP)
                values.append(0)
                place += LONGEST_GAP
            gaps.append(index - place)
            values.append(int(weights[index]))
            place = index
        if len(gaps) % 2:
            gaps.append(0)
            values.append(0)
        halves = pack(np.array(values, np.int16) + EXCESS)
        return np.column_stack([np.array(gaps, np.uint8).reshape(-1, 2), halves])
