"""Bills side by side: a bar per bill, stacked by the four kinds of cost."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.ticker import FuncFormatter, PercentFormatter

from deployworkbook.plots.picture import COLOURS, STYLE, Picture
from deployworkbook.plots.words import counted

if TYPE_CHECKING:
    from deployworkbook.costs.estimation.breakdown import CostBreakdown

# The colours of the life-cycle plot; hatches replace them in print.
KIND_COLOURS = {
    "compute": COLOURS[1],
    "storage": COLOURS[2],
    "network": COLOURS[3],
    "maintenance": COLOURS[4],
}
KIND_HATCHES = {"compute": "", "storage": "//", "network": "..", "maintenance": "xx"}

THOUSANDS = FuncFormatter(lambda value, _: f"{value:,.10g}")


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
    with mpl.rc_context(STYLE):
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
                fontsize=10,
            )
        axes.set_yticks(places, bills)
        longest = float(left.max()) or 1.0
        axes.set(ylim=(len(bills) - 0.4, -0.6), xlim=(0, 1.18 * longest), title=title)
        axes.xaxis.set_major_formatter(PercentFormatter(1) if as_shares else THOUSANDS)
        if as_shares:
            axes.set_xticks(np.linspace(0, 1, 5))
        axes.set_xlabel("share of the month's cost" if as_shares else "USD a month")
        axes.grid(False, axis="y")
        picture.legend(loc="outside upper center", ncols=len(KIND_COLOURS))
        add_note(picture, note)
    said = [f"{name}: {bill_in_words(bill)}" for name, bill in bills.items()]
    picture.alt = f"{title}. {' '.join(said)} {note}"
    return picture


def add_note(picture: Picture, note: str) -> None:
    """Add a note below all axes, wrapped to the picture's width."""
    letters = int(11 * picture.get_figwidth())
    picture.supxlabel(textwrap.fill(note, letters), fontsize=10)


def bill_in_words(bill: CostBreakdown) -> str:
    """Return a month's cost and the shares of the four kinds in words, the largest first."""
    total = float(bill.total_usd_per_month)
    kinds = sorted(bill.by_kind_usd.items(), key=lambda each: -each[1])
    shares = [f"{kind} {float(cost) / total:.0%}" for kind, cost in kinds] if total else []
    return f"{total:,.2f} USD a month{': ' if shares else ''}{', '.join(shares)}."


def rate_text(rate_per_s: float) -> str:
    """Format a request rate.

    Args:
        rate_per_s: Requests per second, at least 0.

    >>> rate_text(12345.6), rate_text(0.25)
    ('12,346 requests per second', '0.25 requests per second')
    """
    return f"{counted(rate_per_s, 'request')} per second"
