"""Kinds of storage for one use: what each costs, which keep up, and how cost grows with reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from deployworkbook.plots.bill import add_note
from deployworkbook.plots.picture import COLOURS, STYLE, Picture
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
# Ends of the logarithmic axes; cheaper than a cent a month is drawn as a cent.
LEAST_USD, MOST_USD = 0.01, 1e6


@dataclass(frozen=True, eq=False)
class StorageResult:
    """What a view of storage draws.

    Args:
        stored_gib: What is kept.
        reads_per_month: How often something is read.
        read_bytes: How much at a time.
        read_limit_s: How long one read may take.
        options: All kinds of storage, always in the same order.
        curve_reads: Reads a month of the right picture, shape ``[n]``.
        curves_usd: A month of each kind at these, shape ``[kinds, n]``.
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
        """Which keep up and read in time."""
        return np.array(
            [each.keeps_up and each.read_s <= self.read_limit_s for each in self.options]
        )

    @property
    def best(self) -> int | None:
        """The place of the cheapest of these; ``None`` where there is none."""
        allowed = np.flatnonzero(self.able)
        costs = [self.options[place].cost_usd_per_month for place in allowed]
        return int(allowed[int(np.argmin(costs))]) if len(allowed) else None


class StorageView(View[StorageResult]):
    """A bar for each kind, pale and hatched where it may not be taken; and the costs by reads.

    Args:
        names: The kinds of storage, as the catalogue calls them.
        kinds: Of each, which of the four it is.
        curve_reads: Reads a month of the right picture.
        note: Where the prices come from; stands below the picture.
    """

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
        with mpl.rc_context(STYLE):
            super().__init__(Picture(10.5, 1.8 + 0.42 * len(names)))
            bars, curves = self.picture.subplots(1, 2, width_ratios=(1.1, 1))
            bars.set_yticks(places, names)
            bars.set(title="This use (modelled)", xlabel="USD a month", xscale="log")
            # The words behind the longest bar have their room within the axes.
            bars.set(xlim=(LEAST_USD, 1e3 * MOST_USD), ylim=(len(names) - 0.4, -0.6))
            bars.grid(False, axis="y")
            self._bars = list(bars.barh(places, np.ones(len(names)), 0.7))
            self._texts = [bars.text(1, place, "", va="center", fontsize=10) for place in places]
            curves.set(title="By reads (modelled)", xlabel="reads a month", ylabel="USD a month")
            curves.set(xscale="log", xlim=(curve_reads[0], curve_reads[-1]))
            curves.set(yscale="log", ylim=(LEAST_USD, MOST_USD))
            self._lines = [
                curves.plot([], [], style, color=colour, lw=2, label=name)[0]
                for name, colour, style in zip(names, self._colours, styles, strict=True)
            ]
            (self._here,) = curves.plot([], [], ":", color=COLOURS[0], label="here")
            self.picture.legend(loc="outside right center", fontsize=10)
            add_note(self.picture, note)
        self.moving = [*self._bars, *self._texts, *self._lines, self._here]

    def update(self, result: StorageResult) -> bool:
        """Set bars, words and lines."""
        best = result.best
        rows = zip(self._bars, self._texts, result.options, result.able, strict=True)
        for place, (bar, text, option, is_able) in enumerate(rows):
            cost = float(np.clip(option.cost_usd_per_month, LEAST_USD, MOST_USD))
            bar.set(x=LEAST_USD, width=cost - LEAST_USD, hatch="" if is_able else "//")
            bar.set(facecolor=self._colours[place] if is_able else "0.9", edgecolor="0.6")
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
        """Say the use, the cheapest, and how many may not be taken."""
        use = (
            f"{short(result.stored_gib)} GiB, {counted(result.reads_per_month, 'read')} a month of "
            f"{result.read_bytes:,.0f} bytes, each within {time_text(result.read_limit_s)}"
        )
        if result.best is None:
            return f"For {use}, no kind of storage is quick enough."
        best = result.options[result.best]
        others = len(result.options) - int(result.able.sum())
        return (
            f"For {use}, {best.storage.name} is the cheapest: "
            f"{short_usd(best.cost_usd_per_month)} USD a month. "
            f"{others} of {len(result.options)} kinds are too slow or late."
        )

    def table(self, result: StorageResult) -> list[Row]:
        """List room, use and time of a read of each kind."""
        return [
            (
                option.storage.name + (" (the cheapest)" if place == result.best else ""),
                f"room {option.room_usd_per_month:,.2f}, use {option.use_usd_per_month:,.2f} USD; "
                f"a read takes at least {time_text(option.read_s)}"
                + ("" if option.keeps_up else "; cannot serve so many"),
            )
            for place, option in enumerate(result.options)
        ]
