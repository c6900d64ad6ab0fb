"""Ways to update a model: accuracy on new and old images, and the cost of how often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deployworkbook.plots.bill import add_note
from deployworkbook.plots.picture import COLOURS, Picture, name_rows, styled
from deployworkbook.plots.roc import PERCENT
from deployworkbook.plots.roofline import PLAIN
from deployworkbook.plots.view import Row, View
from deployworkbook.plots.words import short

if TYPE_CHECKING:
    from deployworkbook.updates.schedule import RetrainingSchedule

SHORTEST_DAYS, LONGEST_DAYS = 0.1, 10_000.0
CHEAPEST_USD, DEAREST_USD = 0.1, 100_000.0


@dataclass(frozen=True)
class WayScore:
    """What a way of updating reaches.

    Args:
        name: The way's name; ``"none"`` for the old model.
        new: Accuracy on new images.
        old: Accuracy on images as they were.
        mixed: Accuracy on the traffic: both kinds by their shares.
        file_bytes: What a device receives: the patch, or the compressed file where that is smaller.
    """

    name: str
    new: float
    old: float
    mixed: float
    file_bytes: int


@dataclass(frozen=True, eq=False)
class RetrainingResult:
    """The data of a retraining plot.

    Args:
        form: Name of the model's form.
        way: Name of the chosen way.
        scores: All ways, without an update first.
        update_usd: Cost of one update of the fleet with labels.
        data_usd: What its bytes cost.
        schedule: How often it pays, and the costs around that; ``None`` if the chosen way makes
            the model no better.
    """

    form: str
    way: str
    scores: tuple[WayScore, ...]
    update_usd: float
    data_usd: float
    schedule: RetrainingSchedule | None

    @property
    def chosen(self) -> WayScore:
        """What the chosen way reaches."""
        return next(each for each in self.scores if each.name == self.way)

    @property
    def gain(self) -> float:
        """How much more of the traffic is answered rightly after the update."""
        return self.chosen.mixed - self.scores[0].mixed


class RetrainingView(View[RetrainingResult]):
    """Bars of accuracies on new and old images; cost per day by the interval between updates.

    Args:
        names: Names of the ways, without an update first.
        lowest: The smallest accuracy that is drawn.
        note: Where the figures come from, shown below the plot.
    """

    @styled
    def __init__(self, names: tuple[str, ...], lowest: float, note: str) -> None:
        super().__init__(Picture(9.4, 4.4))
        left, right = self.picture.subplots(1, 2, width_ratios=(1.1, 1))
        left.set(title="What the model knows (measured)", xlim=(lowest, 1))
        name_rows(left, [name.replace(", ", ",\n") for name in names])
        left.xaxis.set_major_formatter(PERCENT)
        rows = np.arange(len(names))
        self._lowest = lowest
        looks = (("new images", -0.19, COLOURS[2]), ("old images", 0.19, COLOURS[1]))
        self._bars = [
            left.barh(rows + shift, 0, 0.36, left=lowest, color=colour, label=label)
            for label, shift, colour in looks
        ]
        self._mixed = self.line(left, "D", color=COLOURS[0], ms=7, label="your traffic")
        left.legend(loc="upper center", bbox_to_anchor=(0.4, -0.1), ncols=3)
        right.set(title="What it costs (modelled)", xlabel="days between updates")
        right.set(xscale="log", yscale="log", ylabel="USD per day")
        right.set(xlim=(SHORTEST_DAYS, LONGEST_DAYS), ylim=(CHEAPEST_USD, DEAREST_USD))
        for axis in (right.xaxis, right.yaxis):
            axis.set_major_formatter(PLAIN)
        self._parts = [
            self.line(right, style, color=colour, lw=2, label=label)
            for label, style, colour in (
                ("updates", "--", COLOURS[1]),
                ("waiting", "-.", COLOURS[2]),
                ("together", "-", COLOURS[0]),
            )
        ]
        self._best = self.line(right, "*", color=COLOURS[3], ms=16, label="cheapest")
        right.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
        add_note(self.picture, note)
        self.moving.extend(bar for bars in self._bars for bar in bars)

    def update(self, result: RetrainingResult) -> bool:
        """Set the bars and the curves of costs."""
        for bars, kind in zip(self._bars, ("new", "old"), strict=True):
            for bar, each in zip(bars, result.scores, strict=True):
                bar.set_width(max(0.0, getattr(each, kind) - self._lowest))
        mixed = [max(self._lowest, each.mixed) for each in result.scores]
        self._mixed.set_data(mixed, np.arange(len(mixed)))
        schedule = result.schedule
        for line in (*self._parts, self._best):
            line.set_data([], [])
        if schedule is not None:
            updates, waiting = schedule.updates_usd_per_day, schedule.waiting_usd_per_day
            for line, costs in zip(
                self._parts, (updates, waiting, schedule.usd_per_day), strict=True
            ):
                line.set_data(schedule.interval_days, costs)
            self._best.set_data([schedule.best_days], [schedule.best_usd_per_day])
        return False

    def describe(self, result: RetrainingResult) -> str:
        """Describe the chosen way, its gain, and how often it pays."""
        way = result.chosen
        often = "It doesn't pay: the traffic gains nothing."
        if result.schedule is not None:
            often = f"It is cheapest every {short(result.schedule.best_days)} days."
        return (
            f"{way.name}, {result.form}: {way.new:.1%} of new and {way.old:.1%} of old images, "
            f"{100 * result.gain:+.1f} points on the traffic. An update costs "
            f"{short(result.update_usd)} USD. {often}"
        )

    def table(self, result: RetrainingResult) -> list[Row]:
        """List accuracies, bytes and costs of the chosen way."""
        way, schedule = result.chosen, result.schedule
        never = "never: the traffic gains nothing"
        return [
            ("new images", f"{way.new:.1%}"),
            ("old images", f"{way.old:.1%}"),
            ("your traffic, with the update", f"{way.mixed:.1%} ({100 * result.gain:+.1f} points)"),
            ("bytes per device", f"{way.file_bytes:,}"),
            ("one update of the fleet", f"{result.update_usd:,.0f} USD"),
            ("of which its bytes", f"{result.data_usd:,.2f} USD"),
            ("cheapest interval", f"{short(schedule.best_days)} days" if schedule else never),
            (
                "cost per day then",
                f"{schedule.best_usd_per_day:,.2f} USD" if schedule else "–",
            ),
        ]
