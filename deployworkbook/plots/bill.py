"""Bills by the four kinds of cost, and the effect of each input on a month's cost."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.ticker import FuncFormatter, PercentFormatter

from deployworkbook.plots.picture import COLOURS, Picture, name_rows, styled
from deployworkbook.plots.words import counted

if TYPE_CHECKING:
    from deployworkbook.costs.estimation.breakdown import CostBreakdown
    from deployworkbook.costs.estimation.uncertainty import Swing

# The colours of the life-cycle plot; hatches replace them in print.
KIND_COLOURS = {
    "compute": COLOURS[1],
    "storage": COLOURS[2],
    "network": COLOURS[3],
    "maintenance": COLOURS[4],
}
KIND_HATCHES = {"compute": "", "storage": "//", "network": "..", "maintenance": "xx"}

# The bars of a tornado plot.
ENDS = {"at the low end": COLOURS[6], "at the high end": COLOURS[2]}

THOUSANDS = FuncFormatter(lambda value, _: f"{value:,.10g}")


@styled
def bill_picture(
    bills: Mapping[str, CostBreakdown], *, title: str, note: str, as_shares: bool = False
) -> Picture:
    """Draw each deployment's monthly cost, by the four kinds.

    Args:
        bills: Bills by label, such as the request rate, the first one on top.
        title: Title of the plot.
        note: Sources of the prices, shown below the plot.
        as_shares: Whether to scale all bars to 100 %, instead of USD.
    """
    places = np.arange(len(bills))
    totals = np.array([float(bill.total_usd_per_month) for bill in bills.values()])
    # A month may cost 0, which has no shares.
    scale = np.where(totals > 0, totals, 1.0) if as_shares else np.ones(len(bills))
    picture = Picture(9, 1.7 + 0.55 * len(bills))
    axes = picture.subplots()
    left = np.zeros(len(bills))
    for kind, colour in KIND_COLOURS.items():
        costs = np.array([float(bill.by_kind_usd[kind]) for bill in bills.values()])  # type: ignore[index]
        axes.barh(
            places,
            costs / scale,
            0.7,
            left=left,
            label=kind,
            color=colour,
            hatch=KIND_HATCHES[kind],
            edgecolor="white",
        )
        left += costs / scale
    for place, total in enumerate(totals):
        axes.annotate(
            f"{total:,.0f} USD",
            (left[place], place),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=11,
        )
    name_rows(axes, bills)
    longest = float(left.max()) or 1.0
    axes.set(xlim=(0, 1.18 * longest), title=title)
    axes.xaxis.set_major_formatter(PercentFormatter(1) if as_shares else THOUSANDS)
    if as_shares:
        axes.set_xticks(np.linspace(0, 1, 5))
    axes.set_xlabel("share of the month's cost" if as_shares else "USD per month")
    picture.legend(loc="outside upper center", ncols=len(KIND_COLOURS))
    add_note(picture, note)
    said = [f"{name}: {bill_in_words(bill)}" for name, bill in bills.items()]
    picture.alt = f"{title}. {' '.join(said)} {note}"
    return picture


@styled
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
    name_rows(axes, [f"{each.name}\n{each.range.low:g} to {each.range.high:g}" for each in chosen])
    axes.set(xlim=(left, right), xlabel="USD per month")
    axes.set_title("One input at a time through its range (modelled)")
    axes.xaxis.set_major_formatter(THOUSANDS)
    handles = [mpl.patches.Patch(color=colour, label=end) for end, colour in ENDS.items()]
    axes.legend(handles=handles, loc="lower right")
    add_note(picture, note)
    picture.alt = f"A bar per input around {cost_usd:,.0f} USD per month. {'; '.join(said)}. {note}"
    return picture


def add_note(picture: Picture, note: str) -> None:
    """Add a note below all axes, wrapped to the picture's width."""
    letters = int(11 * picture.get_figwidth())
    picture.supxlabel(textwrap.fill(note, letters), fontsize=11)


def bill_in_words(bill: CostBreakdown) -> str:
    """Return a month's cost and the shares of the four kinds in words, the largest first."""
    total = float(bill.total_usd_per_month)
    kinds = sorted(bill.by_kind_usd.items(), key=lambda each: -each[1])
    shares = [f"{kind} {float(cost) / total:.0%}" for kind, cost in kinds] if total else []
    return f"{total:,.2f} USD per month{': ' if shares else ''}{', '.join(shares)}."


def rate_text(rate_per_s: float) -> str:
    """Format a request rate.

    Args:
        rate_per_s: Requests per second, at least 0.

    >>> rate_text(12345.6), rate_text(0.25)
    ('12,346 requests per second', '0.25 requests per second')
    """
    return f"{counted(rate_per_s, 'request')} per second"


def _usd(amount: float) -> str:
    return f"{amount:,.0f} USD" if np.isfinite(amount) else "cannot serve"
