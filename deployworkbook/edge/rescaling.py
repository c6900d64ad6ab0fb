"""Sums scaled back by whole numbers alone: a multiplication and a shift per output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.edge.tables import Table
from deployworkbook.formulas.integer_inference import (
    ROUNDINGS,
    Rounding,
    fixed_point,
    multiply_fixed_point,
)
from deployworkbook.validation import check_choice, value_error

# Bits that a float32 number keeps, and those of the largest result.
MANTISSA_BITS, HIGHEST_BITS = 24, 23


@dataclass(frozen=True, eq=False)
class Rescaling:
    """Sums times a ratio per output, rounded to whole numbers.

        y = round(sum · multiplier / 2^shift)

    Args:
        multiplier: Whole number below 2^31 for each output.
        shift: From 1 to 62, for each output.
        rounding: ``"float32"`` rounds as LiteRT does on a computer: the product to 24 bits, as
            float32 keeps them, then to a whole number, halves to even. ``"double"`` rounds as
            TensorFlow Lite Micro, ``"single"`` as LiteRT's reference kernels, see
            ``formulas.integer_inference``.
    """

    multiplier: NDArray[np.int64]
    shift: NDArray[np.int64]
    rounding: Rounding

    def apply(self, sums: NDArray[np.int64]) -> NDArray[np.int64]:
        """Scale sums, shape ``[n, out]``, as the C code does."""
        if self.rounding == "float32":
            ratio = np.ldexp(self.multiplier.astype(np.float32), -self.shift)
            return np.rint(sums.astype(np.float32) * ratio).astype(np.int64)
        product = multiply_fixed_point(
            sums, self.multiplier, 31 - self.shift, rounding=self.rounding
        )
        return product.astype(np.int64)

    @property
    def is_common(self) -> bool:
        """Whether all outputs have the same ratio, which then needs no table."""
        return bool((self.multiplier == self.multiplier[0]).all() and np.ptp(self.shift) == 0)

    @property
    def flash_bytes(self) -> int:
        """Bytes of its tables: five per output, or none."""
        return 0 if self.is_common else 5 * self.multiplier.size

    def tables(self) -> list[Table]:
        """Return the tables of multipliers and shifts, if there are any."""
        if self.is_common:
            return []
        return [
            Table("multipliers", self.multiplier.astype(np.uint32)),
            Table("shifts", self.shift.astype(np.uint8)),
        ]


def rescaling(ratio: ArrayLike, *, largest: ArrayLike, rounding: Rounding) -> Rescaling:
    """Write ratios as multipliers and shifts.

    Args:
        ratio: Positive, one per output; in float32 for ``"float32"``.
        largest: The largest magnitude that each output's sum can reach.
        rounding: As in ``Rescaling``.

    Raises:
        ValueError: A ratio is out of range, or a sum can exceed the 24 bits that float32 keeps.

    >>> half = rescaling([0.5], largest=[1000], rounding="single")
    >>> half.apply(np.array([[5, -5]]).T).ravel().tolist()  # halves up
    [3, -2]
    """
    check_choice("rounding", rounding, ROUNDINGS)
    ratios: NDArray[Any] = np.asarray(ratio, np.float32 if rounding == "float32" else np.float64)
    reach: NDArray[Any] = np.asarray(largest, np.float64)
    if rounding == "float32" and reach.max() > 2.0**MANTISSA_BITS:
        raise value_error(
            "sums",
            received=f"sums that can reach {reach.max():,.0f}",
            expected=f"at most 2^{MANTISSA_BITS}, which float32 holds exactly",
            remedy='Export with rounding="single".',
        )
    if ratios.min() < 2.0**-31 or (ratios * reach).max() >= 2.0**HIGHEST_BITS:
        raise value_error(
            "ratio",
            received=f"values from {ratios.min():g} to {ratios.max():g}",
            expected=f"numbers from 2^-31 that keep sums below 2^{HIGHEST_BITS}",
            remedy="Quantize the model again with other calibration images.",
        )
    if rounding != "float32":
        multiplier, exponent = fixed_point(ratios)
        return Rescaling(multiplier, 31 - exponent, rounding)
    fraction, exponent = np.frexp(ratios)
    multiplier = np.ldexp(fraction, MANTISSA_BITS).astype(np.int64)
    return Rescaling(multiplier, MANTISSA_BITS - exponent.astype(np.int64), rounding)
