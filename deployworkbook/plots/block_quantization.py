"""Blocks of weights: the grid of each, and the error against the bits that a weight takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.collections import LineCollection
from numpy.typing import NDArray

from deployworkbook.plots.picture import COLOURS, Picture, styled
from deployworkbook.plots.view import Row, View
from deployworkbook.plots.words import short

Array = NDArray[np.float64]

# Grids with more levels are drawn as their two ends: lines would merge into an area.
MOST_LEVELS_DRAWN = 16
ERROR_ENDS = (0.002, 1.0)
BIT_ENDS = (1.8, 10.2)


@dataclass(frozen=True, eq=False)
class BlockResult:
    """The data of a plot of block quantization.

    Args:
        bits: Bits per code.
        block_size: Weights per block.
        outlier_share: Share of the weights that are kept apart, in full precision.
        bits_per_weight: With scales, zero points and outliers counted.
        error: Relative error, √(Σ (w - ŵ)² / Σ w²).
        shown: Weights of one output, in order of the inputs, shape ``[n]``.
        rounded: The same, rounded; outliers are exact.
        starts: First weight of each block of these, shape ``[blocks]``.
        levels: Levels of each block, shape ``[blocks, levels]``.
        curve_bits: Bits per weight of the curves, by bits per code, in order of the block sizes.
        curve_errors: Relative errors, likewise.
    """

    bits: int
    block_size: int
    outlier_share: float
    bits_per_weight: float
    error: float
    shown: Array
    rounded: Array
    starts: NDArray[np.int64]
    levels: Array
    curve_bits: dict[int, Array]
    curve_errors: dict[int, Array]


class BlockView(View[BlockResult]):
    """Weights of one output with their blocks' levels, and the error against bits per weight.

    Args:
        shown: Number of weights in the left plot.
        reach: Largest magnitude among them.
        curves: Bits per code of the curves.
    """

    @styled
    def __init__(self, shown: int, reach: float, curves: tuple[int, ...]) -> None:
        super().__init__(Picture(10, 4))
        weights, errors = self.picture.subplots(1, 2, width_ratios=(1.3, 1))
        weights.set(title="Weights of one output, and the levels of their blocks")
        weights.set(xlabel="input", xlim=(-1, shown), ylim=(-1.15 * reach, 1.15 * reach))
        self._levels = LineCollection([], colors=COLOURS[5], linewidths=0.8)
        weights.add_collection(self._levels, autolim=False)
        self._weights = self.line(weights, ".", color=COLOURS[1], ms=4, label="weight")
        self._rounded = self.line(weights, "+", color=COLOURS[2], ms=6, label="rounded")
        weights.plot([], [], color=COLOURS[5], lw=0.8, label="level, or end of the grid")
        errors.set(title="Error by bits per weight", xlabel="bits per weight, scales counted")
        errors.set(yscale="log", xlim=BIT_ENDS, ylim=ERROR_ENDS, xticks=range(2, 11))
        errors.set_ylabel("relative error")
        self._curves = {
            bits: self.line(errors, ".-", color="0.55", ms=5, lw=1.2) for bits in curves
        }
        self._curve = self.line(errors, ".-", color=COLOURS[1], lw=2, label="these bits")
        errors.plot([], [], ".-", color="0.55", label="other bits")
        self._here = self.line(errors, "o", color=COLOURS[2], ms=11, mfc="none", mew=2)
        handles = [
            each for axes in (weights, errors) for each in axes.get_legend_handles_labels()[0]
        ]
        self.picture.legend(handles=handles, loc="outside lower center", ncols=5)
        self.moving.append(self._levels)

    def update(self, result: BlockResult) -> bool:
        """Move weights, levels and curves."""
        places = np.arange(len(result.shown))
        self._weights.set_data(places, result.shown)
        self._rounded.set_data(places, result.rounded)
        levels = result.levels
        if levels.shape[1] > MOST_LEVELS_DRAWN:
            levels = levels[:, [0, -1]]
        ends = np.append(result.starts[1:], len(result.shown))
        self._levels.set_segments(
            [
                [(start - 0.4, level), (end - 0.6, level)]
                for start, end, block in zip(result.starts, ends, levels, strict=True)
                for level in block
            ]
        )
        for bits, curve in self._curves.items():
            curve.set_data(result.curve_bits[bits], result.curve_errors[bits])
        self._curve.set_data(result.curve_bits[result.bits], result.curve_errors[result.bits])
        self._here.set_data([result.bits_per_weight], [result.error])
        return False

    def describe(self, result: BlockResult) -> str:
        """Describe the bits per weight and the error."""
        apart = (
            f", with {result.outlier_share:.1%} of the weights kept apart"
            if result.outlier_share
            else ""
        )
        return (
            f"{result.bits} bits in blocks of {result.block_size}{apart}: "
            f"{short(result.bits_per_weight)} bits per weight, and a relative error of "
            f"{result.error:.2%}. Smaller blocks take more bits for scales and round more finely."
        )

    def table(self, result: BlockResult) -> list[Row]:
        """List bits, error and what they mean for a large model."""
        return [
            ("bits per weight, all counted", f"{result.bits_per_weight:.3f}"),
            (
                "of which scales, zero points, outliers",
                f"{result.bits_per_weight - result.bits:.3f}",
            ),
            ("relative error of the weights", f"{result.error:.3%}"),
            ("8 billion such weights take", f"{result.bits_per_weight:.2f} GB"),
            ("in 16 bits they take", "16.00 GB"),
        ]
