"""A quantizer: its staircase, the weights that it rounds, and the error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import LineCollection
from numpy.typing import NDArray

from deployworkbook.plots.picture import COLOURS, Picture, styled
from deployworkbook.plots.view import Row, View

if TYPE_CHECKING:
    from deployworkbook.formulas.quantization import Grid

# More levels than this would merge into one area.
MOST_LEVELS_DRAWN = 64


@dataclass(frozen=True, eq=False)
class QuantizerResult:
    """The data of a quantizer plot.

    Args:
        bits: Bits per integer.
        scheme: Quantization scheme.
        grid: Scale and zero point, one for all weights.
        levels: Real numbers on the grid, in order.
        inputs: Numbers over the range of the weights, in order.
        outputs: The same numbers, quantized.
        maximum_error: Largest absolute error of a weight.
        sqnr_db: Signal-to-quantization-noise ratio of the weights, in decibels.
        all_bits: Bit widths of the curve.
        all_sqnr_db: Ratio at each width.
        all_expected_db: Ratio predicted by 6.02 dB per bit.
        clipped_share: Share of the weights beyond the grid's ends.
    """

    bits: int
    scheme: str
    grid: Grid
    levels: NDArray[np.float64]
    inputs: NDArray[np.float64]
    outputs: NDArray[np.float64]
    maximum_error: float
    sqnr_db: float
    all_bits: NDArray[np.int64]
    all_sqnr_db: NDArray[np.float64]
    all_expected_db: NDArray[np.float64]
    clipped_share: float


class QuantizerView(View[QuantizerResult]):
    """The staircase, the weights' histogram with the grid on it, and the ratio by bits.

    Args:
        weights: Weights to quantize, any shape.
    """

    @styled
    def __init__(self, weights: NDArray[np.float64]) -> None:
        values = np.ravel(weights)
        reach = 1.05 * float(np.abs(values).max())
        super().__init__(Picture(10, 3.6))
        stairs, counts, ratio = self.picture.subplots(1, 3)
        stairs.plot([-reach, reach], [-reach, reach], ":", color=COLOURS[0], lw=1)
        stairs.set(title="Weight → rounded weight", xlabel="weight", xlim=(-reach, reach))
        stairs.set_ylim(-reach, reach)
        self._stairs = self.line(stairs, color=COLOURS[2], lw=1.8)

        counts.hist(values, bins=120, range=(-reach, reach), color=COLOURS[6])
        counts.set(title="Weights and levels", xlabel="weight", xlim=(-reach, reach))
        counts.set(yscale="log", ylabel="count")
        counts.set_ylim(top=counts.get_ylim()[1] * 6)  # room for the note
        self._levels = LineCollection(
            [], colors=COLOURS[2], linewidths=1, transform=counts.get_xaxis_transform()
        )
        counts.add_collection(self._levels, autolim=False)
        self._note = counts.text(
            0.5, 0.95, "", transform=counts.transAxes, ha="center", va="top", fontsize=11
        )

        ratio.set(title="Signal to rounding noise", xlabel="bits", ylabel="dB")
        ratio.set(xlim=(1.5, 16.5), ylim=(-5, 100), xticks=range(2, 17, 2))
        self._expected = self.line(ratio, "--", color=COLOURS[0], label="6.02·b + c")
        self._measured = self.line(ratio, ".-", color=COLOURS[1], label="computed")
        self._here = self.line(ratio, "o", color=COLOURS[2], ms=10, mfc="none", mew=2)
        ratio.legend(loc="lower right")
        self.moving += [self._levels, self._note]

    def update(self, result: QuantizerResult) -> bool:
        """Move the staircase, the levels and the curves."""
        self._stairs.set_data(result.inputs, result.outputs)
        drawn = len(result.levels) <= MOST_LEVELS_DRAWN
        levels = result.levels if drawn else result.levels[[0, -1]]
        self._levels.set_segments([[(level, 0.0), (level, 0.85)] for level in levels])
        self._note.set_text("" if drawn else f"{len(result.levels):,} levels: first and last")
        self._expected.set_data(result.all_bits, result.all_expected_db)
        self._measured.set_data(result.all_bits, result.all_sqnr_db)
        self._here.set_data([result.bits], [result.sqnr_db])
        return False

    def describe(self, result: QuantizerResult) -> str:
        """Describe the bit width, the step and the error."""
        return (
            f"At {result.bits} bits the {result.scheme} grid has {len(result.levels):,} levels, "
            f"{result.grid.scale:.4g} apart. The largest error of a weight is "
            f"{result.maximum_error:.4g}, the signal-to-noise ratio {result.sqnr_db:.1f} dB."
        )

    def table(self, result: QuantizerResult) -> list[Row]:
        """List scale, zero point and errors."""
        here = int(np.flatnonzero(result.all_bits == result.bits)[0])
        return [
            ("levels", f"{len(result.levels):,}"),
            ("scale", f"{result.grid.scale:.5g}"),
            ("zero point", f"{result.grid.zero_point}"),
            ("largest error", f"{result.maximum_error:.4g}"),
            ("clipped weights", f"{result.clipped_share:.3%}"),
            ("signal to rounding noise, computed", f"{result.sqnr_db:.1f} dB"),
            ("the same, expected by 6.02·b + c", f"{result.all_expected_db[here]:.1f} dB"),
        ]
