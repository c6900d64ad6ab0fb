"""A month's cost at other prices, and the price that matters most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from deployworkbook.plots.bill import KIND_COLOURS, THOUSANDS, add_note, rate_text
from deployworkbook.plots.picture import COLOURS, STYLE, Picture
from deployworkbook.plots.stacked import StackedRow, round_up
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

    def __init__(self, line_factors: NDArray[np.float64], note: str) -> None:
        self._reach_usd = 0.0
        with mpl.rc_context(STYLE):
            super().__init__(Picture(10.5, 4.2))
            self._bars, lines = self.picture.subplots(1, 2, width_ratios=(1.3, 1))
            self._bars.set(title="A month (modelled)", xlabel="USD a month", ylim=(1.6, -0.6))
            self._bars.set_yticks([0, 1], ["today", "then"])
            self._bars.xaxis.set_major_formatter(THOUSANDS)
            self._bars.xaxis.set_major_locator(MaxNLocator(4, steps=(1, 2, 5, 10)))
            self._bars.grid(False, axis="y")
            kinds = list(KIND_COLOURS.values())
            self._rows = [StackedRow(self._bars, place, kinds) for place in (0, 1)]
            lines.set(title="One price alone (modelled)", xlabel="times today's price")
            lines.set(xlim=(line_factors[0], line_factors[-1]), ylim=(0, 4), ylabel="total")
            lines.yaxis.set_major_formatter(PercentFormatter(1))
            self._lines = {
                kind: lines.plot([], [], LINES[kind], color=colour, lw=2.2, label=kind)[0]
                for kind, colour in KIND_COLOURS.items()
            }
            (self._dots,) = lines.plot([], [], "o", color=COLOURS[0], ms=6, label="here")
            lines.legend(loc="upper left")
            patches = [mpl.patches.Patch(color=c, label=kind) for kind, c in KIND_COLOURS.items()]
            self._bars.legend(
                handles=patches, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=4
            )
            add_note(self.picture, note)
        bars = [artist for row in self._rows for artist in row.moving]
        self.moving = [*bars, *self._lines.values(), self._dots]

    def update(self, result: StressResult) -> bool:
        """Update the bars and lines; a larger bill needs a longer axis."""
        for row, costs in zip(self._rows, (result.today_usd, result.then_usd), strict=True):
            row.update(list(costs.values()))
        today, then = result.totals_usd
        heights = []
        for kind, line in self._lines.items():
            line.set_data(result.line_factors, result.lines[kind])
            heights.append(np.interp(result.factors[kind], result.line_factors, result.lines[kind]))
        self._dots.set_data([result.factors[kind] for kind in self._lines], heights)
        reach = round_up(max(today, then, 1.0))
        has_changed = reach != self._reach_usd
        if has_changed:
            self._reach_usd = reach
            self._bars.set_xlim(0, reach)
        return has_changed

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
            ("today", f"{today:,.2f} USD a month"),
            ("then", f"{then:,.2f} USD a month ({_change(result)})"),
            *rows,
        ]


def _change(result: StressResult) -> str:
    return f"{result.change:+.1%}" if abs(result.change) >= 0.0005 else "0.0%"
