"""Stacked bars that move, with their sum as a label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from deployworkbook.plots.words import short

Colour = str | tuple[float, float, float]


class StackedRow:
    """A horizontal stacked bar with its sum as a label; both can be blitted.

    Args:
        axes: Axes to draw on.
        place: Vertical position of the bar.
        colours: One colour per possible part.
    """

    def __init__(self, axes: Axes, place: int, colours: Sequence[Colour]) -> None:
        self._bars = [
            axes.barh(place, 0, 0.6, color=colour, edgecolor="white", lw=0.8)[0]
            for colour in colours
        ]
        # Not an annotation: plain texts are drawn fast, from cached letters.
        self._text = axes.text(0, place, "", va="center", fontsize=10)
        self.moving = [*self._bars, self._text]

    def update(self, costs_usd: Sequence[float]) -> None:
        """Set the lengths of the parts; an infinite one means that it cannot serve."""
        if not np.isfinite(costs_usd).all():
            self.update([])
            self._text.set_text(" cannot serve")
            return
        left = 0.0
        for place, bar in enumerate(self._bars):
            width = costs_usd[place] if place < len(costs_usd) else 0.0
            bar.set(x=left, width=width, visible=width > 0)
            left += width
        # Few digits, as the table has the cents.
        self._text.set(x=left, text=f" {short_usd(left)}")


def short_usd(amount: float) -> str:
    """Format an amount in a few digits.

    >>> short_usd(12_345.6), short_usd(0.4567), short_usd(8e-5)
    ('12,346', '0.457', 'under 0.01')
    """
    return "under 0.01" if 0 < amount < 0.005 else short(amount)


def round_up(value: float) -> float:
    """Return the next of 1, 2, 5, 10, 20, … that leaves room for a label after a bar.

    >>> round_up(70.0), round_up(90.0)
    (100.0, 200.0)
    """
    decade = 10.0 ** np.floor(np.log10(value))
    return float(next(step * decade for step in (1, 2, 5, 10, 20) if step * decade >= 1.15 * value))
