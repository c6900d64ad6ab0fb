"""Dense int4: two weights a byte, a row of bytes per input."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployworkbook.edge.tables import Table
from deployworkbook.validation import value_error

# Added to a weight, so that four bits hold no sign: 0 … 15 for -8 … 7.
EXCESS = 8


@dataclass(frozen=True, eq=False)
class DenseInt4:
    """All weights in four bits, the first of a pair in the low half of its byte.

        bytes = inputs · ⌈outputs / 2⌉

    Args:
        weights: From -8 to 7, int8, shape ``[in, out]``.

    Raises:
        ValueError: A weight doesn't fit.

    >>> layout = DenseInt4(np.array([[1, -2, 3]], np.int8))
    >>> layout.flash_bytes, layout.tables()[0].values.tolist()  # 9 + 16 · 6, 11 + 16 · 8
    (2, [105, 139])
    """

    weights: NDArray[np.int8]
    name = "int4"
    kernel = "int4"
    by_output = False

    def __post_init__(self) -> None:
        check_int4(self.weights)

    @property
    def flash_bytes(self) -> int:
        """Bytes of its table."""
        inputs, outputs = self.weights.shape
        return int(inputs * -(-outputs // 2))

    def tables(self) -> list[Table]:
        """Build the table: rows of pairs, one row per input."""
        odd = self.weights.shape[1] % 2
        shifted = np.pad(self.weights, ((0, 0), (0, odd))).astype(np.int16) + EXCESS
        return [Table("weights", pack(shifted.ravel()))]


def check_int4(weights: NDArray[np.int8]) -> None:
    """Check that weights fit in four bits.

    Raises:
        ValueError: One doesn't.
    """
    if weights.min() < -EXCESS or weights.max() >= EXCESS:
        received = f"weights from {weights.min()} to {weights.max()}"
        expected = f"weights from {-EXCESS} to {EXCESS - 1}"
        raise value_error("weights", received=received, expected=expected)


def pack(nibbles: NDArray[np.int16]) -> NDArray[np.uint8]:
    """Pack numbers from 0 to 15 in pairs, the first in the low half of the byte.

    Args:
        nibbles: An even count of them.
    """
    pairs = nibbles.reshape(-1, 2)
    return np.asarray(pairs[:, 0] | (pairs[:, 1] << 4), np.uint8)
