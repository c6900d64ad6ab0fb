"""The block explorer: bits, block size and outliers of given weights, simulated."""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.block_error import split_outliers
from deployworkbook.formulas.block_quantization import (
    BLOCK_SCHEMES,
    BlockScheme,
    bits_per_weight,
    dequantize_blocks,
    quantize_blocks,
)
from deployworkbook.plots.block_quantization import BlockResult, BlockView
from deployworkbook.validation import check_array, value_error
from deployworkbook.widgets.controls import Choice, Slider, Stops
from deployworkbook.widgets.explorer import Explorer

Array = NDArray[np.float64]

BLOCK_SIZES = (16, 32, 64, 128, 256)
CURVES = (2, 3, 4, 5, 6, 8)
# So many weights are rounded at most: their error is known to a hundredth of itself, and a
# control's move takes milliseconds.
SAMPLE = 8_192
# Weights of one output in the picture.
SHOWN = 256
SCALE_BITS = 16


class Blocks:
    """Weights and their outliers, rounded once per setting.

    Args:
        weights: Shape ``[inputs, outputs]``.
    """

    def __init__(self, weights: Array) -> None:
        inputs, outputs = weights.shape
        most = max(1, SAMPLE // inputs)
        chosen = np.unique(np.linspace(0, outputs - 1, min(most, outputs)).astype(np.int64))
        place, largest = np.unravel_index(np.abs(weights).argmax(), weights.shape)
        # The output with the largest weight is shown, but counts in the error only if it was chosen
        # anyway: it would make the others look worse than they are.
        self.counted = len(chosen) + (not weights[:, chosen].any())
        if largest not in chosen:
            chosen = np.append(chosen, largest)
        self.weights = weights[:, chosen]
        self.column = int(np.flatnonzero(chosen == largest)[0])
        first = (int(place) - SHOWN // 2) // max(BLOCK_SIZES) * max(BLOCK_SIZES)
        self.window = slice(max(first, 0), min(max(first, 0) + SHOWN, inputs))
        self.norm = float(np.sqrt((self.weights[:, : self.counted] ** 2).sum()))
        self.split = lru_cache(maxsize=None)(partial(split_outliers, self.weights))
        self.rounded = lru_cache(maxsize=None)(self._rounded)

    def _rounded(
        self, bits: int, block_size: int, scheme: BlockScheme, share: float
    ) -> tuple[float, Array, Array]:
        """Return the relative error, and the shown weights' rounding and levels."""
        rest, apart = self.split(share=share)
        quantized = quantize_blocks(
            rest, bits=bits, block_size=block_size, scheme=scheme, scale_bits=SCALE_BITS
        )
        found = dequantize_blocks(quantized) + apart
        missed = (found - self.weights)[:, : self.counted]
        error = float(np.sqrt((missed**2).sum())) / self.norm
        first = self.window.start // block_size
        blocks = slice(first, -(-self.window.stop // block_size))
        points = quantized.zero_points[self.column, blocks].astype(np.float64)
        codes = np.arange(1 << bits) - points[:, None]
        levels = codes * quantized.scales[self.column, blocks, None]
        return error, found[self.window, self.column], levels


def compute_blocks(
    blocks: Blocks, *, bits: int, block_size: int, scheme: BlockScheme, outliers: float
) -> BlockResult:
    """Round weights in blocks, and compute the error at these and at other bits and block sizes.

    Args:
        blocks: The weights.
        bits: Bits per code.
        block_size: Weights per block.
        scheme: ``"symmetric"`` or ``"asymmetric"``.
        outliers: Percentage of the weights to keep apart.

    >>> weights = np.random.default_rng(0).normal(size=(256, 8))
    >>> result = compute_blocks(
    ...     Blocks(weights), bits=4, block_size=32, scheme="symmetric", outliers=0.0
    ... )
    >>> result.bits_per_weight, round(result.error, 2)
    (4.5, 0.09)
    """
    share = outliers / 100

    def total(code_bits: int, size: int) -> float:
        points = code_bits if scheme == "asymmetric" else 0
        return bits_per_weight(
            code_bits,
            size,
            scale_bits=SCALE_BITS,
            zero_point_bits=points,
            outlier_share=share,
        )

    error, rounded, levels = blocks.rounded(bits, block_size, scheme, share)
    # The first block may begin before the picture's first weight.
    offset = blocks.window.start % block_size
    starts = np.maximum(np.arange(len(levels)) * block_size - offset, 0)
    widths = sorted({*CURVES, bits})
    return BlockResult(
        bits=bits,
        block_size=block_size,
        outlier_share=share,
        bits_per_weight=total(bits, block_size),
        error=error,
        shown=blocks.weights[blocks.window, blocks.column],
        rounded=rounded,
        starts=starts,
        levels=np.sort(levels, axis=1),
        curve_bits={b: np.array([total(b, size) for size in BLOCK_SIZES]) for b in widths},
        curve_errors={
            b: np.array([blocks.rounded(b, size, scheme, share)[0] for size in BLOCK_SIZES])
            for b in widths
        },
    )


def block_explorer(weights: ArrayLike) -> Explorer[BlockResult]:
    """Make the explorer of block quantization for some weights.

    Args:
        weights: A matrix, shape ``[inputs, outputs]``, not all 0. Of a large one some outputs are
            taken, about 8,000 weights.

    Raises:
        ValueError: ``weights`` is not a matrix, or all 0.
    """
    matrix = check_array("weights", weights, ndim=2)
    if not matrix.any():
        raise value_error("weights", received="zeros only", expected="a matrix that is not all 0")
    blocks = Blocks(matrix)
    controls = [
        Slider("bits", "bits per code", 2, 8, 1, 4),
        Stops("block_size", "weights per block", BLOCK_SIZES, 32),
        Choice("scheme", "scheme", BLOCK_SCHEMES, "symmetric"),
        Slider("outliers", "outliers kept apart", 0.0, 2.0, 0.25, 0.0, unit="%"),
    ]
    shown = blocks.weights[blocks.window, blocks.column]
    view = BlockView(len(shown), float(np.abs(shown).max()), CURVES)
    return Explorer(controls, partial(compute_blocks, blocks), view)
