"""Kinds of storage for one use: their costs, which keep up, and cost by reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deployworkbook.plots.bill import add_note
from deployworkbook.plots.picture import COLOURS, Picture, name_rows, styled
from deployworkbook.plots.platforms import time_text
from deployworkbook.plots.stacked import short_usd
from deployworkbook.plots.view import Row, View
from deployworkbook.plots.words import counted, short

if TYPE_CHECKING:
    from deployworkbook.costs.advice.storing import StorageOption

STORAGE_COLOURS = {
    "local-ssd": COLOURS[1],
    "network-ssd": COLOURS[6],
    "hdd": COLOURS[5],
    "object": COLOURS[3],
}
LINES = ("-", "--", ":")
# Ends of the logarithmic axes; costs below a cent per month are drawn as a cent.
LEAST_USD, MOST_USD = 0.01, 1e6


@dataclass(frozen=True, eq=False)
class StorageResult:
    """The data of a storage plot.

    Args:
        stored_gib: Stored data in GiB.
        reads_per_month: Number of reads.
        read_bytes: Bytes per read.
        read_limit_s: Longest time that a read may take.
        options: All kinds of storage, always in the same order.
        curve_reads: Reads per month of the right-hand curves, shape ``[n]``.
        curves_usd: Monthly cost of each kind at these, shape ``[kinds, n]``.
    """

    stored_gib: float
    reads_per_month: float
    read_bytes: float
    read_limit_s: float
    options: tuple[StorageOption, ...]
    curve_reads: NDArray[np.float64]
    curves_usd: NDArray[np.float64]

    @property
    def able(self) -> NDArray[np.bool_]:
        """Kinds of storage that keep up and read in time."""
        return np.array(
            [each.keeps_up and each.read_s <= self.read_limit_s for each in self.options]
        )

    @property
    def best(self) -> int | None:
        """Index of the cheapest of these; ``None`` if there is none."""
        allowed = np.flatnonzero(self.able)
        costs = [self.options[place].cost_usd_per_month for place in allowed]
        return int(allowed[int(np.argmin(costs))]) if len(allowed) else None


class StorageView(View[StorageResult]):
    """A bar per kind, pale and hatched if unsuitable, and the costs by reads.

    Args:
        names: Catalogue names of the storage.
        kinds: Which of the four kinds each one is.
        curve_reads: Reads per month of the right-hand curves.
        note: Sources of the prices, shown below the plot.
    """

    @styled
    def __init__(
        self,
        names: Sequence[str],
        kinds: Sequence[str],
        curve_reads: NDArray[np.float64],
        note: str,
    ) -> None:
        places = np.arange(len(names))
        self._colours = [STORAGE_COLOURS[kind] for kind in kinds]
        styles = [LINES[kinds[:place].count(kind) % len(LINES)] for place, kind in enumerate(kinds)]
        super().__init__(Picture(10, 1.8 + 0.42 * len(names)))
        bars, curves = self.picture.subplots(1, 2, width_ratios=(1.1, 1))
        name_rows(bars, names)
        bars.set(title="This use (modelled)", xlabel="USD per month", xscale="log")
        # Leave room within the axes for the label of the longest bar.
        bars.set_xlim(LEAST_USD, 1e3 * MOST_USD)
        self._bars = list(bars.barh(places, np.ones(len(names)), 0.7))
        self._texts = [bars.text(1, place, "", va="center", fontsize=11) for place in places]
        curves.set(title="By reads (modelled)", xlabel="reads per month", ylabel="USD per month")
        curves.set(xscale="log", xlim=(curve_reads[0], curve_reads[-1]))
        curves.set(yscale="log", ylim=(LEAST_USD, MOST_USD))
        self._lines = [
            self.line(curves, style, color=colour, lw=2, label=name)
            for name, colour, style in zip(names, self._colours, styles, strict=True)
        ]
        self._here = self.line(curves, ":", color=COLOURS[0], label="here")
        self.picture.legend(loc="outside right center", fontsize=11)
        add_note(self.picture, note)
        self.moving += [*self._bars, *self._texts]

    def update(self, result: StorageResult) -> bool:
        """Update bars, labels and lines."""
        best = result.best
        rows = zip(self._bars, self._texts, result.options, result.able, strict=True)
        for place, (bar, text, option, is_able) in enumerate(rows):
            cost = float(np.clip(option.cost_usd_per_month, LEAST_USD, MOST_USD))
            bar.set(x=LEAST_USD, width=cost - LEAST_USD, hatch="" if is_able else "//")
            bar.set(facecolor=self._colours[place] if is_able else "0.9", edgecolor="0.55")
            said = short_usd(option.cost_usd_per_month)
            said += "" if option.keeps_up else "; too slow"
            said += "; late" if option.keeps_up and not is_able else ""
            said += "; cheapest" if place == best else ""
            text.set(x=1.2 * cost, text=said)
        for line, costs in zip(self._lines, result.curves_usd, strict=True):
            line.set_data(result.curve_reads, np.maximum(costs, LEAST_USD))
        self._here.set_data([result.reads_per_month] * 2, [LEAST_USD, MOST_USD])
        return False

    def describe(self, result: StorageResult) -> str:
        """Describe the use, the cheapest kind, and how many are unsuitable."""
        use = (
            f"{short(result.stored_gib)} GiB, {counted(result.reads_per_month, 'read')} per month "
            f"of {result.read_bytes:,.0f} bytes, each within {time_text(result.read_limit_s)}"
        )
        if result.best is None:
            return f"For {use}, no kind of storage is fast enough."
        best = result.options[result.best]
        others = len(result.options) - int(result.able.sum())
        return (
            f"For {use}, {best.storage.name} is the cheapest: "
            f"{short_usd(best.cost_usd_per_month)} USD per month. "
            f"{others} of {len(result.options)} kinds are too slow or late."
        )

    def table(self, result: StorageResult) -> list[Row]:
        """List each kind's costs for room and use, and its time per read."""
        return [
            (
                option.storage.name + (" (the cheapest)" if place == result.best else ""),
                f"room {option.room_usd_per_month:,.2f}, use {option.use_usd_per_month:,.2f} USD; "
                f"each read takes at least {time_text(option.read_s)}"
                + ("" if option.keeps_up else "; can't keep up"),
            )
            for place, option in enumerate(result.options)
        ]
