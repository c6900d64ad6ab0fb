"""The quantizer explorer: bits, scheme and clipping for given weights, simulated."""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.clipping import CLIPPINGS, Clipping, fit_grid
from deployworkbook.formulas.quantization import (
    MAXIMUM_BITS,
    MINIMUM_BITS,
    SCHEMES,
    Grid,
    Scheme,
    dequantize,
    fake_quantize,
)
from deployworkbook.formulas.quantization_error import (
    QuantizationError,
    expected_sqnr_db,
    quantization_error,
)
from deployworkbook.plots.quantizer import QuantizerResult, QuantizerView
from deployworkbook.validation import check_array
from deployworkbook.widgets.controls import Choice, Slider
from deployworkbook.widgets.explorer import Explorer

# Samples of the staircase: three per pixel of its axes.
INPUT_POINTS = 900


class Quantizers:
    """Grids for some weights, each fitted once, because a search for the best takes 10 ms or more.

    Its argument is that of ``quantizer_explorer``.
    """

    def __init__(self, weights: ArrayLike) -> None:
        self.weights: NDArray[np.float64] = check_array("weights", weights).ravel()
        self.rms = float(np.sqrt((self.weights**2).mean()))
        self.reach = float(np.abs(self.weights).max())
        self.fitted = lru_cache(maxsize=None)(self._fit)

    def _fit(self, bits: int, scheme: Scheme, clipping: Clipping) -> tuple[Grid, QuantizationError]:
        grid = fit_grid(self.weights, bits=bits, scheme=scheme, clipping=clipping)
        return grid, quantization_error(self.weights, fake_quantize(self.weights, grid))


def compute_quantizer(
    quantizers: Quantizers, *, bits: int, scheme: Scheme, clipping: Clipping
) -> QuantizerResult:
    """Round weights to a grid, and compute the error at this bit width and at all others.

    Args:
        quantizers: Grids of the weights.
        bits: Bits per weight, from 2 to 16.
        scheme: Quantization scheme.
        clipping: Method of choosing the range.

    >>> weights = Quantizers(np.linspace(-1, 1, 101))
    >>> result = compute_quantizer(weights, bits=2, scheme="symmetric", clipping="minmax")
    >>> result.levels, float(result.grid.scale)
    (array([-1.,  0.,  1.]), 1.0)
    """
    grid, error = quantizers.fitted(bits, scheme, clipping)
    low, high = (float(limit) for limit in grid.limits)
    inputs = np.linspace(-1.05 * quantizers.reach, 1.05 * quantizers.reach, INPUT_POINTS)
    all_bits = np.arange(MINIMUM_BITS, MAXIMUM_BITS + 1)
    every = [quantizers.fitted(int(width), scheme, clipping) for width in all_bits]
    beyond = (quantizers.weights < low) | (quantizers.weights > high)
    return QuantizerResult(
        bits=bits,
        scheme=scheme.replace("_", " "),
        grid=grid,
        levels=dequantize(np.arange(grid.low, grid.high + 1), grid),
        inputs=inputs,
        outputs=fake_quantize(inputs, grid),
        maximum_error=error.maximum,
        sqnr_db=error.sqnr_db,
        all_bits=all_bits,
        all_sqnr_db=np.array([each.sqnr_db for _, each in every]),
        all_expected_db=np.array(
            [
                expected_sqnr_db(
                    int(width), rms=quantizers.rms, limit=max(map(abs, map(float, each.limits)))
                )
                for width, (each, _) in zip(all_bits, every, strict=True)
            ]
        ),
        clipped_share=float(beyond.mean()),
    )


def quantizer_explorer(weights: ArrayLike) -> Explorer[QuantizerResult]:
    """Make the quantizer explorer for some weights.

    Args:
        weights: Weights to quantize, any shape, not all 0.
    """
    quantizers = Quantizers(weights)
    controls = [
        Slider("bits", "bits", MINIMUM_BITS, MAXIMUM_BITS, 1, 4),
        Choice("scheme", "scheme", SCHEMES, "symmetric"),
        Choice("clipping", "clipping", CLIPPINGS, "minmax"),
    ]
    return Explorer(
        controls, partial(compute_quantizer, quantizers), QuantizerView(quantizers.weights)
    )
