"""Dense int8: a byte a weight, a row of weights per input."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployworkbook.edge.tables import Table


@dataclass(frozen=True, eq=False)
class DenseInt8:
    """All weights as int8, zeros too.

        bytes = inputs · outputs

    Args:
        weights: int8, shape ``[in, out]``.

    >>> DenseInt8(np.zeros((784, 128), np.int8)).flash_bytes
    100352
    """

    weights: NDArray[np.int8]
    name = "int8"
    kernel = "dense"
    by_output = False

    @property
    def flash_bytes(self) -> int:
        """Bytes of its table."""
        return self.weights.size

    def tables(self) -> list[Table]:
        """Build the table: rows of outputs, one row per input."""
        return [Table("weights", self.weights.astype(np.int8).ravel())]
