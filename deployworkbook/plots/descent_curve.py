"""The loss above the lowest by step, on axes that fit both convergence and divergence."""

from __future__ import annotations

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator
from numpy.typing import NDArray

from deployworkbook.plots.picture import COLOURS

# Ends of the logarithmic loss axis; losses beyond them are clipped to them.
LOWEST, HIGHEST = 1e-12, 1e6

# A loss above the lowest that ends this many times higher than it began has diverged.
GROWN = 10.0


def set_loss_axis(axes: Axes) -> None:
    """Set up the vertical axis for losses, with room for marks at both ends."""
    axes.set(yscale="log", ylim=(LOWEST / 10, 10 * HIGHEST))
    axes.yaxis.set_major_locator(LogLocator(numticks=7))
    axes.grid(visible=True)


def clipped(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Clip losses beyond the axis, including infinite ones, to its ends."""
    return np.clip(losses, LOWEST, HIGHEST)


class DescentCurve:
    """A line of losses with a cross at its end if it diverges, and a remark.

    Args:
        axes: Axes to draw on.
        most_steps: Right end of the step axis.
        label: Label of the line in a legend.
    """

    def __init__(self, axes: Axes, most_steps: int, *, label: str = "") -> None:
        axes.set(title="Loss above the lowest", xlabel="step", xlim=(0, most_steps))
        set_loss_axis(axes)
        (self._line,) = axes.plot([], [], color=COLOURS[1], lw=2, label=label)
        (self._end,) = axes.plot([], [], "X", color=COLOURS[2], ms=11)
        box = {"boxstyle": "round", "facecolor": "white", "edgecolor": COLOURS[2]}
        self._word = axes.text(
            0.5, 0.88, "", transform=axes.transAxes, ha="center", va="top", bbox=box
        )
        self.moving: list[Artist] = [self._line, self._end, self._word]

    def show(self, losses: NDArray[np.float64], *, diverges: bool, word: str) -> None:
        """Draw losses above the lowest, from the start.

        Args:
            losses: Loss at the start and after each step.
            diverges: Whether to mark their end with a cross.
            word: Remark about them; may be empty.
        """
        last = [len(losses) - 1] if diverges else []
        self._line.set_data(np.arange(len(losses)), clipped(losses))
        self._end.set_data(last, clipped(losses[last]))
        self._word.set_text(word)
        self._word.set_visible(bool(word))
