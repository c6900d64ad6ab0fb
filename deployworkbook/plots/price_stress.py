"""A month's cost at other prices, and the price that matters most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from deployworkbook.plots.bill import KIND_COLOURS, add_note, rate_text
from deployworkbook.plots.picture import COLOURS, Picture, styled
from deployworkbook.plots.stacked import StackedBars
from deployworkbook.plots.view import Row, View
from deployworkbook.plots.words import short

LINES = {"compute": "-", "storage": "--", "network": "-.", "maintenance": ":"}
# Rise in the total for which the table lists each price's factor.
NOTICED = 0.1


@dataclass(frozen=True, eq=False)
class StressResult:
    """The data of a price stress plot.

    Args:
        requests_per_s: Request rate.
        factors: Factor on the prices, by kind.
        today_usd: Monthly cost at the catalogue's prices, by kind.
        then_usd: Monthly cost at the changed prices, by kind.
        line_factors: Price factors of the right-hand lines, shape ``[n]``.
        lines: Total if only this kind's prices change, relative to today's total, by kind, shape
            ``[n]``.
    """

    requests_per_s: float
    factors: Mapping[Any, float]
    today_usd: Mapping[Any, float]
    then_usd: Mapping[Any, float]
    line_factors: NDArray[np.float64]
    lines: Mapping[Any, NDArray[np.float64]]

    @property
    def totals_usd(self) -> tuple[float, float]:
        """Monthly cost today, and at the changed prices."""
        return sum(self.today_usd.values()), sum(self.then_usd.values())

    @property
    def change(self) -> float:
        """Relative rise of the total."""
        today, then = self.totals_usd
        return then / today - 1

    def factor_noticed(self, kind: str) -> float:
        """Return the factor on one kind's prices alone that raises the total by a tenth."""
        share = self.today_usd[kind] / self.totals_usd[0]
        return 1 + NOTICED / share if share > 0 else np.inf


class StressView(View[StressResult]):
    """Two stacked bars, and the total by each kind's prices alone, modelled.

    Args:
        line_factors: Price factors; the first and last are the ends of the right-hand axis.
        note: Sources of the prices, shown below the plot.
    """

    @styled
    def __init__(self, line_factors: NDArray[np.float64], note: str) -> None:
        super().__init__(Picture(10, 4.2))
        bars, lines = self.picture.subplots(1, 2, width_ratios=(1.3, 1))
        bars.set_title("A month (modelled)")
        kinds = list(KIND_COLOURS.values())
        self._bars = StackedBars(self, bars, {"today": kinds, "then": kinds})
        bars.xaxis.set_major_locator(MaxNLocator(4, steps=(1, 2, 5, 10)))
        lines.set(title="One price alone (modelled)", xlabel="times today's price")
        lines.set(xlim=(line_factors[0], line_factors[-1]), ylim=(0, 4), ylabel="total")
        lines.yaxis.set_major_formatter(PercentFormatter(1))
        self._lines = {
            kind: self.line(lines, LINES[kind], color=colour, lw=2.2, label=kind)
            for kind, colour in KIND_COLOURS.items()
        }
        self._dots = self.line(lines, "o", color=COLOURS[0], ms=6, label="here")
        lines.legend(loc="upper left")
        self._bars.add_legend(columns=4)
        add_note(self.picture, note)

    def update(self, result: StressResult) -> bool:
        """Update the bars and lines; a larger bill needs a longer axis."""
        heights = []
        for kind, line in self._lines.items():
            line.set_data(result.line_factors, result.lines[kind])
            heights.append(np.interp(result.factors[kind], result.line_factors, result.lines[kind]))
        self._dots.set_data([result.factors[kind] for kind in self._lines], heights)
        return self._bars.update([list(result.today_usd.values()), list(result.then_usd.values())])

    def describe(self, result: StressResult) -> str:
        """Describe the total before and after, and the price that matters most."""
        today, then = result.totals_usd
        most = max(result.today_usd, key=lambda kind: result.today_usd[kind])
        return (
            f"At {rate_text(result.requests_per_s)}, a month costs {today:,.2f} USD today and "
            f"{then:,.2f} USD at the changed prices ({_change(result)}). The price that matters "
            f"most is that of {most}: {result.today_usd[most] / today:.0%} of today's total."
        )

    def table(self, result: StressResult) -> list[Row]:
        """List both totals, and per kind the price factor that raises the total by a tenth."""
        today, then = result.totals_usd
        rows = []
        for kind in result.today_usd:
            factor = result.factor_noticed(kind)
            said = f"{short(factor)} times its price" if np.isfinite(factor) else "no price"
            rows.append((f"total + {NOTICED:.0%} by {kind} alone", said))
        return [
            ("today", f"{today:,.2f} USD per month"),
            ("then", f"{then:,.2f} USD per month ({_change(result)})"),
            *rows,
        ]


def _change(result: StressResult) -> str:
    return f"{result.change:+.1%}" if abs(result.change) >= 0.0005 else "0.0%"
