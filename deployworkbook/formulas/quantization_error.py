"""The error of rounding to a grid: measured and expected."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from deployworkbook.formulas.quantization import MAXIMUM_BITS, MINIMUM_BITS
from deployworkbook.validation import check_array, check_integer, check_number, check_same_shape


@dataclass(frozen=True)
class QuantizationError:
    """The error of rounding to a grid.

    Args:
        maximum: Largest absolute error.
        mean_squared: Mean of the squared errors.
        sqnr_db: Signal-to-quantization-noise ratio in decibels; infinite without an error.
    """

    maximum: float
    mean_squared: float
    sqnr_db: float


def quantization_error(values: ArrayLike, approximations: ArrayLike) -> QuantizationError:
    """Measure the error of an approximation.

        max |x - x̂|,  1/n Σ (x - x̂)²,  10 log10 (Σ x² / Σ (x - x̂)²)

    Args:
        values: x, any shape.
        approximations: x̂, the shape of ``values``.

    Returns:
        Maximum error, mean squared error and signal-to-noise ratio.

    Raises:
        ValueError: The shapes differ.

    >>> quantization_error([3.0, 4.0], [3.0, 3.5])  # 10 log10 (25 / 0.25) = 20
    QuantizationError(maximum=0.5, mean_squared=0.125, sqnr_db=20.0)
    """
    exact = check_array("values", values)
    rough = check_array("approximations", approximations)
    check_same_shape("values", exact, "approximations", rough)
    squares = (exact - rough) ** 2
    mean_squared, signal = float(squares.mean()), float((exact**2).mean())
    with np.errstate(divide="ignore"):
        sqnr = 10.0 * (np.log10(signal) - np.log10(mean_squared)) if mean_squared else np.inf
    return QuantizationError(float(np.sqrt(squares.max())), mean_squared, float(sqnr))


def expected_sqnr_db(bits: int, *, rms: float, limit: float) -> float:
    """Return the expected ratio of signal to rounding noise, which each bit raises by 6.02 dB.

        SQNR ≈ 6.02 b + 10 log10 (3 rms² / limit²)

    It assumes that the error is uniform over a step of 2 limit / 2^b, with variance step² / 12,
    and that no value is clipped.

    Args:
        bits: b, from 2 to 16.
        rms: Root mean square of the signal, above 0.
        limit: Largest magnitude on the grid, above 0.

    Returns:
        Decibels.

    Raises:
        ValueError: A number is out of range.

    Source: W. Bennett, "Spectra of quantized signals", 1948.

    >>> round(expected_sqnr_db(8, rms=1 / np.sqrt(3), limit=1.0), 2)  # uniform over -1 … 1
    48.16
    """
    size = check_number("rms", rms, 0, open_low=True)
    end = check_number("limit", limit, 0, open_low=True)
    count = check_integer("bits", bits, MINIMUM_BITS, MAXIMUM_BITS)
    return float(20.0 * count * np.log10(2.0) + 10.0 * np.log10(3.0 * size**2 / end**2))
