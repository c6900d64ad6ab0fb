"""The loss above the lowest, step by step, on axes that hold a convergence and a divergence."""

from __future__ import annotations

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator
from numpy.typing import NDArray

from deployworkbook.plots.picture import COLOURS

# Losses this far apart share a logarithmic axis; what is beyond them sticks to them.
LOWEST, HIGHEST = 1e-12, 1e6

# A loss above the lowest that ends so many times higher than it began has diverged.
GROWN = 10.0


def set_loss_axis(axes: Axes) -> None:
    """Make the vertical axis one of losses, with room for marks at both ends."""
    axes.set(yscale="log", ylim=(LOWEST / 10, 10 * HIGHEST))
    axes.yaxis.set_major_locator(LogLocator(numticks=7))
    axes.grid(visible=True)


def clipped(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move losses beyond the axis, infinite ones too, to its ends."""
    return np.clip(losses, LOWEST, HIGHEST)


class DescentCurve:
    """A line of losses with a cross at its end where it diverges, and a word about that.

    Args:
        axes: Where.
        most_steps: The right end of the axis of steps.
        label: What the line is, for a legend.
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
        """Draw losses above the lowest, from the start on.

        Args:
            losses: One for the start and one after each step.
            diverges: Whether a cross marks their end.
            word: What there is to say about them; may be empty.
        """
        last = [len(losses) - 1] if diverges else []
        self._line.set_data(np.arange(len(losses)), clipped(losses))
        self._end.set_data(last, clipped(losses[last]))
        self._word.set_text(word)
        self._word.set_visible(bool(word))
