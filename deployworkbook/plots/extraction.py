"""Copies of a model from its answers: how alike they are, and how long the answers take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployworkbook.plots.bill import THOUSANDS, add_note
from deployworkbook.plots.picture import COLOURS, LINES, MARKERS, Picture, styled
from deployworkbook.plots.roc import PERCENT
from deployworkbook.plots.view import Row, View
from deployworkbook.plots.words import duration, short

Array = NDArray[np.float64]

# Named places on the axis of times, in hours.
TIMES_H = {
    "1 second": 1 / 3600,
    "1 minute": 1 / 60,
    "1 hour": 1.0,
    "1 day": 24.0,
    "1 month": 730.0,
    "1 year": 8766.0,
}
# Its ends: a second, and ten years.
SHORTEST_H, LONGEST_H = 1 / 3600, 87_660.0


@dataclass(frozen=True, eq=False)
class ExtractionResult:
    """The data of an extraction plot.

    Args:
        defence: What the server leaves out of its answers.
        queries: Number of answers that the attacker asks for.
        agreement: Share of images for which the copy says what the model says, interpolated
            between measured copies.
        curve_queries: Numbers of answers of the curve of times.
        curve_hours: How long each of them takes.
        hours: How long the chosen number takes.
        usd: What the answers cost the attacker.
        is_denied: Whether honest clients are refused, because they ask faster than the limit.
    """

    defence: str
    queries: float
    agreement: float
    curve_queries: Array
    curve_hours: Array
    hours: float
    usd: float
    is_denied: bool


class ExtractionView(View[ExtractionResult]):
    """Measured agreement by queries and defence, and the time that a limit makes them take.

    Args:
        measured: Queries, and the agreement of the copy after each, by the defence's name.
        note: Where the figures come from, shown below the plot.
    """

    @styled
    def __init__(self, measured: Mapping[str, tuple[Array, Array]], note: str) -> None:
        super().__init__(Picture(9.1, 4.2))
        left, right = self.picture.subplots(1, 2)
        left.set(title="How alike the copy is (measured)", xlabel="queries", xscale="log")
        left.set_ylabel("agreement")
        for index, (name, (queries, agreement)) in enumerate(measured.items()):
            form = f"{MARKERS[index % len(MARKERS)]}{LINES[index % len(LINES)]}"
            colour = COLOURS[3:][index % len(COLOURS[3:])]
            left.plot(queries, agreement, form, color=colour, lw=2, label=name)
        left.xaxis.set_major_formatter(THOUSANDS)
        left.minorticks_off()
        left.yaxis.set_major_formatter(PERCENT)
        self._copy = self.line(left, "*", color=COLOURS[2], ms=16, label="here")
        left.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
        right.set(title="How long it takes (modelled)", xlabel="queries", xscale="log")
        most = max(queries[-1] for queries, _ in measured.values())
        least = min(queries[0] for queries, _ in measured.values())
        right.set(yscale="log", xlim=(least, most * 1.1), ylim=(SHORTEST_H, LONGEST_H))
        right.set_yticks(list(TIMES_H.values()), list(TIMES_H))
        right.xaxis.set_major_formatter(THOUSANDS)
        right.minorticks_off()
        self._times = self.line(right, "-", color=COLOURS[1], lw=2)
        self._time = self.line(right, "*", color=COLOURS[2], ms=16)
        add_note(self.picture, note)

    def update(self, result: ExtractionResult) -> bool:
        """Move the copy's mark and the line of times."""
        self._copy.set_data([result.queries], [result.agreement])
        hours = np.clip(result.curve_hours, SHORTEST_H, LONGEST_H)
        self._times.set_data(result.curve_queries, hours)
        here = min(max(result.hours, SHORTEST_H), LONGEST_H)
        self._time.set_data([result.queries], [here])
        return False

    def describe(self, result: ExtractionResult) -> str:
        """Describe how good the copy is and how long it takes."""
        return (
            f"Defence: {result.defence}. After {short(result.queries)} queries the copy agrees "
            f"with the model for {result.agreement:.1%} of the images. The answers take "
            f"{duration(3600 * result.hours)}."
        )

    def table(self, result: ExtractionResult) -> list[Row]:
        """List the agreement, the time and the cost, and whom the limit hits."""
        refused = "yes" if result.is_denied else "no"
        return [
            ("agreement of the copy (between measured ones)", f"{result.agreement:.1%}"),
            ("time for the answers", duration(3600 * result.hours)),
            ("price of the answers", f"{result.usd:,.2f} USD"),
            ("the limit refuses honest clients", refused),
        ]
