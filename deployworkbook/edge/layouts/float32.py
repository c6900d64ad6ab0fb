"""Dense float32: four bytes a weight, a row of weights per input."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployworkbook.edge.tables import Table


@dataclass(frozen=True, eq=False)
class DenseFloat32:
    """All weights as float32, as Keras keeps them.

        bytes = 4 · inputs · outputs

    Args:
        weights: Shape ``[in, out]``.

    >>> DenseFloat32(np.zeros((784, 128), np.float32)).flash_bytes
    401408
    """

    weights: NDArray[np.float32]
    name = "float32"
    kernel = "dense"
    by_output = False

    @property
    def flash_bytes(self) -> int:
        """Bytes of its table."""
        return 4 * self.weights.size

    def tables(self) -> list[Table]:
        """Build the table: rows of outputs, one row per input."""
        return [Table("weights", self.weights.astype(np.float32).ravel())]
