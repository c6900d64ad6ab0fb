"""Stacked bars of costs that move, with their sums as labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from deployworkbook.plots.bill import KIND_COLOURS, THOUSANDS
from deployworkbook.plots.picture import name_rows
from deployworkbook.plots.view import View, move_ends
from deployworkbook.plots.words import short

Colour = str | tuple[float, float, float]

# An axis stays as it is while the longest row fills more than a quarter of it.
LONGEST_AXIS = 4.0


class StackedBars:
    """Rows of stacked bars on an axis that is about as long as the longest row needs.

    Args:
        view: View that moves them.
        axes: Axes to fill.
        rows: Colours of each row's parts, by the row's name, the first row on top.
    """

    def __init__(self, view: View[Any], axes: Axes, rows: Mapping[str, Sequence[Colour]]) -> None:
        self.axes = axes
        axes.set_xlabel("USD per month")
        name_rows(axes, rows)
        axes.xaxis.set_major_formatter(THOUSANDS)
        # So that even tens of millions have room.
        axes.locator_params(axis="x", nbins=5)
        self.rows = [StackedRow(axes, place, each) for place, each in enumerate(rows.values())]
        view.moving.extend(artist for row in self.rows for artist in row.moving)

    def update(self, costs_usd: Iterable[Sequence[float]], *, least_usd: float = 1.0) -> bool:
        """Set the lengths of all rows' parts; return whether the axis has changed.

        Args:
            costs_usd: Costs of the parts, by row; infinite for a row that cannot serve.
            least_usd: Cost for which there is room in any case.
        """
        longest = least_usd
        for row, costs in zip(self.rows, costs_usd, strict=True):
            row.update(costs)
            total = sum(costs)
            longest = max(longest, total if np.isfinite(total) else 0.0)
        end = self.axes.get_xlim()[1]
        # Where a bill is near a step of the axis, a small move must not change its length to and
        # fro: that is hard to read, and means that the whole picture is drawn again.
        is_long_enough = 1.15 * longest <= end <= LONGEST_AXIS * longest
        return not is_long_enough and move_ends(self.axes, 0.0, round_up(longest))

    def add_legend(self, columns: int) -> None:
        """Add a legend of the four kinds of cost below the axes."""
        patches = [mpl.patches.Patch(color=c, label=kind) for kind, c in KIND_COLOURS.items()]
        self.axes.legend(
            handles=patches, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=columns
        )


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
        self._text = axes.text(0, place, "", va="center", fontsize=11)
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
