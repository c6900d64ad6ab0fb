"""A month's bill, part by part, and the dominant kind of cost by traffic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from deployworkbook.plots.bill import KIND_COLOURS, add_note, bill_in_words, rate_text
from deployworkbook.plots.picture import COLOURS, Picture, styled
from deployworkbook.plots.stacked import Colour, StackedBars
from deployworkbook.plots.view import Row, View
from deployworkbook.plots.words import counted

if TYPE_CHECKING:
    from deployworkbook.costs.estimation.breakdown import CostBreakdown, CostPart

# Share of white to mix into a kind's colour for its first part, its second, …
WHITES = (0.0, 0.45, 0.2, 0.65, 0.35, 0.75, 0.1, 0.55, 0.3, 0.7, 0.15, 0.5, 0.25)
SMALLEST_AXIS_USD = 100.0


@dataclass(frozen=True, eq=False)
class CostResult:
    """The data of a cost plot.

    Args:
        bill: Month's bill.
        rates_per_s: Request rates of the right-hand plot, shape ``[n]``.
        by_kind_usd: Monthly cost at each rate by kind, shape ``[n]``.
    """

    bill: CostBreakdown
    rates_per_s: NDArray[np.float64]
    by_kind_usd: Mapping[Any, NDArray[np.float64]]


class CostView(View[CostResult]):
    """Stacked bars of the four kinds, and their shares by request rate, modelled.

    Args:
        rates_per_s: Request rates of the right-hand plot.
        note: Sources of the prices, shown below the plot.
    """

    @styled
    def __init__(self, rates_per_s: NDArray[np.float64], note: str) -> None:
        super().__init__(Picture(10, 4.6))
        bars, shares = self.picture.subplots(1, 2, width_ratios=(1.5, 1))
        rows = {kind: _shades(colour) for kind, colour in KIND_COLOURS.items()}
        rows["together"] = list(KIND_COLOURS.values())
        self._bars = StackedBars(self, bars, rows)
        bars.set_title("A month, part by part (modelled)")

        shares.set(title="Shares (modelled)", xlabel="requests per second", xscale="log")
        shares.set(xlim=(rates_per_s[0], rates_per_s[-1]), ylim=(0, 1))
        shares.yaxis.set_major_formatter(PercentFormatter(1))
        # Polygons take a third of the time of fill_between's collections.
        self._areas = {
            kind: shares.fill([], [], color=colour, edgecolor="white", lw=0.5, label=kind)[0]
            for kind, colour in KIND_COLOURS.items()
        }
        self._here = self.line(shares, color=COLOURS[0], lw=2, label="here")
        self.picture.legend(loc="outside upper center", ncols=len(KIND_COLOURS) + 1)
        add_note(self.picture, note)
        # The axis moves so that it is drawn above the bars' white edges.
        self.moving += [bars.spines["left"], *self._areas.values()]

    def update(self, result: CostResult) -> bool:
        """Update bars, labels and areas; a larger bill needs a longer axis."""
        bill = result.bill
        bottom = np.zeros(len(result.rates_per_s))
        there_and_back = np.concatenate([result.rates_per_s, result.rates_per_s[::-1]])
        total = np.sum(list(result.by_kind_usd.values()), axis=0)
        for kind, area in self._areas.items():
            top = bottom + result.by_kind_usd[kind] / total
            area.set_xy(np.column_stack([there_and_back, np.concatenate([bottom, top[::-1]])]))
            bottom = top
        self._here.set_data([bill.workload.requests_per_s] * 2, [0, 1])
        rows = [[float(part.cost_usd) for part in _parts(bill, kind)] for kind in KIND_COLOURS]
        rows.append(list(map(float, bill.by_kind_usd.values())))
        return self._bars.update(rows, least_usd=SMALLEST_AXIS_USD)

    def describe(self, result: CostResult) -> str:
        """Describe the total and the shares, and whether there are enough replicas."""
        bill = result.bill
        text = f"At {rate_text(bill.workload.requests_per_s)}: {bill_in_words(bill)}"
        if bill.replicas_needed > bill.replicas_at_peak:
            text += (
                f" {counted(bill.replicas_at_peak, 'replica')} can't keep up: the busiest hour "
                f"needs {bill.replicas_needed:,}."
            )
        return text

    def table(self, result: CostResult) -> list[Row]:
        """List the kinds with their parts, the total, and the replicas."""
        bill = result.bill
        rows = [
            (kind, f"{cost:,.2f} USD{_named(_parts(bill, kind))}")
            for kind, cost in bill.by_kind_usd.items()
        ]
        per_million = bill.usd_per_million_predictions
        enough = bill.replicas_needed <= bill.replicas_at_peak
        return [
            *rows,
            ("per month", f"{bill.total_usd_per_month:,.2f} USD"),
            ("per million predictions", f"{per_million or 0:,.2f} USD"),
            (
                "replicas in the busiest hour",
                f"{bill.replicas_at_peak:,}, "
                + ("enough" if enough else f"too few: {bill.replicas_needed:,} are needed"),
            ),
        ]


def _parts(bill: CostBreakdown, kind: str) -> list[CostPart]:
    """Return the parts of a kind, the most expensive first."""
    return sorted(
        (part for part in bill.parts if part.kind == kind), key=lambda part: -part.cost_usd
    )


def _named(parts: Sequence[CostPart]) -> str:
    """List the parts with a cost above 0, in the order of the bar."""
    said = [f"{part.name} {part.cost_usd:,.2f}" for part in parts if part.cost_usd]
    return f": {', '.join(said)}" if said else ""


def _shades(colour: str) -> list[Colour]:
    """Return shades of a colour, mixed with white so that neighbours differ."""
    red, green, blue = to_rgb(colour)
    return [(red + w * (1 - red), green + w * (1 - green), blue + w * (1 - blue)) for w in WHITES]
