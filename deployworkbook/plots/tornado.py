"""A tornado diagram: the effect of each input, moved through its range one at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np

from deployworkbook.plots.bill import THOUSANDS, add_note
from deployworkbook.plots.picture import COLOURS, STYLE, Picture

if TYPE_CHECKING:
    from deployworkbook.costs.estimation.uncertainty import Swing


ENDS = {"at the low end": COLOURS[6], "at the high end": COLOURS[2]}


def tornado_picture(
    swings: Sequence[Swing], *, cost_usd: float, note: str, most: int = 8
) -> Picture:
    """Draw each input's effect on the month's cost, the widest first.

    Args:
        swings: Result of ``costs.tornado``; an end of a range that cannot serve gets an arrow.
        cost_usd: Month's cost with each input at its value.
        note: Sources of the prices, shown below the plot.
        most: Number of inputs to draw.
    """
    chosen = list(swings[:most])
    ends = np.array([[each.cost_at_low_usd, each.cost_at_high_usd] for each in chosen])
    finite = np.append(ends[np.isfinite(ends)], cost_usd)
    room = 0.12 * max(float(np.ptp(finite)), 0.01 * cost_usd, 0.01)
    left, right = finite.min() - room, finite.max() + room
    said = []
    with mpl.rc_context(STYLE):
        picture = Picture(9, 1.7 + 0.42 * len(chosen))
        axes = picture.subplots()
        for place, (swing, pair) in enumerate(zip(chosen, ends, strict=True)):
            for cost, colour in zip(pair, ENDS.values(), strict=True):
                end = min(cost, right)
                axes.barh(place, end - cost_usd, 0.7, left=cost_usd, color=colour)
                if not np.isfinite(cost):
                    axes.plot([right], [place], ">", color=colour, ms=9, clip_on=False)
            low, high = f"{swing.range.low:g}", f"{swing.range.high:g}"
            said.append(f"{swing.name} from {low} to {high}: {_usd(pair[0])} to {_usd(pair[1])}")
        axes.axvline(cost_usd, color=COLOURS[0], lw=1.2)
        axes.set_yticks(
            np.arange(len(chosen)),
            [f"{each.name}\n{each.range.low:g} to {each.range.high:g}" for each in chosen],
        )
        axes.set(ylim=(len(chosen) - 0.4, -0.6), xlim=(left, right), xlabel="USD a month")
        axes.set_title("One input at a time through its range (modelled)")
        axes.xaxis.set_major_formatter(THOUSANDS)
        axes.grid(False, axis="y")
        handles = [mpl.patches.Patch(color=colour, label=end) for end, colour in ENDS.items()]
        axes.legend(handles=handles, loc="lower right")
        add_note(picture, note)
    picture.alt = f"A bar per input around {cost_usd:,.0f} USD a month. {'; '.join(said)}. {note}"
    return picture


def _usd(amount: float) -> str:
    return f"{amount:,.0f} USD" if np.isfinite(amount) else "cannot serve"
