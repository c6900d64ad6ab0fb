"""An error budget: how fast it burns over each alert's window, and when which alert fires."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployworkbook.plots.picture import COLOURS, LINES, Picture, name_rows, styled
from deployworkbook.plots.view import Row, View
from deployworkbook.plots.words import counted, short

Array = NDArray[np.float64]

LOWEST_BURN, HIGHEST_BURN = 0.1, 20_000.0


@dataclass(frozen=True, eq=False)
class Firing:
    """When an alert fires.

    Args:
        name: Its severity, burn rate and long window, such as "page: 14.4 over 1 h".
        burn: Burn rate above which it fires.
        over_window: Burn rate over its long window, per minute since the errors began.
        begin: Minutes from the first errors until it fires; ``None`` if it doesn't.
        end: Minutes from the first errors until it stops, likewise.
        spent: Share of the period's budget that is spent when it fires, likewise.
    """

    name: str
    burn: float
    over_window: Array
    begin: int | None
    end: int | None
    spent: float | None


@dataclass(frozen=True, eq=False)
class BudgetResult:
    """The data of an error-budget plot.

    Args:
        objective: Share of requests that must succeed.
        error_share: Share of requests that fail, for a while.
        minutes: How long they do.
        requests_per_hour: Traffic.
        burn: Burn rate while requests fail.
        failed: Number of failed requests.
        budget: Number of requests that may fail in the period.
        firings: When each alert fires, the fastest alert first.
    """

    objective: float
    error_share: float
    minutes: int
    requests_per_hour: float
    burn: float
    failed: int
    budget: float
    firings: tuple[Firing, ...]

    @property
    def spent(self) -> float:
        """Share of the budget that is spent by these errors; above 1 if more fail than may."""
        return self.failed / self.budget

    @property
    def fired(self) -> tuple[Firing, ...]:
        """Alerts that fire, the first one first."""
        found = [(each.begin, each) for each in self.firings if each.begin is not None]
        return tuple(each for _, each in sorted(found, key=lambda pair: pair[0]))


class BudgetView(View[BudgetResult]):
    """Burn rates over the alerts' windows, and when each alert fires.

    Args:
        names: Names of the alerts, the fastest first.
        last: Right end of the time axis, in minutes.
    """

    @styled
    def __init__(self, names: tuple[str, ...], last: int) -> None:
        super().__init__(Picture(10.5, 4.2))
        burn, firing = self.picture.subplots(1, 2)
        for axes in (burn, firing):
            axes.set(xscale="log", xlim=(0.9, last), xlabel="time since errors began")
            axes.set_xticks(
                [1, 10, 60, 360, 1440, 4320], ["1 min", "10", "1 h", "6 h", "1 d", "3 d"]
            )
            axes.minorticks_off()
        burn.set(title="Burn rate over the long windows", yscale="log")
        burn.set(ylim=(LOWEST_BURN, HIGHEST_BURN), ylabel="times too fast")
        looks = list(zip(names, (2, 5, 1, 3), LINES, strict=True))
        self._burns = [
            self.line(burn, style, color=COLOURS[colour], lw=2, label=name)
            for name, colour, style in looks
        ]
        self._fires = [self.line(burn, "o", color=COLOURS[colour], ms=8) for _, colour, _ in looks]
        burn.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2)
        firing.set(title="Alerts that fire")
        name_rows(firing, ("errors", *names))
        self._bars = firing.barh(range(len(names) + 1), np.zeros(len(names) + 1), height=0.5)
        for bar, colour in zip(self._bars, (0, *(colour for _, colour, _ in looks)), strict=True):
            bar.set_facecolor(COLOURS[colour])
        self.moving.extend(self._bars)

    def update(self, result: BudgetResult) -> bool:
        """Move the curves, the marks and the bars."""
        for burn, mark, each in zip(self._burns, self._fires, result.firings, strict=True):
            minutes = np.arange(1, len(each.over_window) + 1)
            visible = np.maximum(each.over_window, LOWEST_BURN / 10)
            burn.set_data(minutes, visible)
            place = ([], []) if each.begin is None else ([each.begin], [visible[each.begin - 1]])
            mark.set_data(*place)
        spans = [(0, result.minutes), *((each.begin, each.end) for each in result.firings)]
        for bar, (begin, end) in zip(self._bars, spans, strict=True):
            bar.set_visible(begin is not None and end is not None)
            if begin is not None and end is not None:
                bar.set_x(max(begin, 0.5))
                bar.set_width(end - max(begin, 0.5))
        return False

    def describe(self, result: BudgetResult) -> str:
        """Describe the burn rate, which alert fires first and what is spent."""
        text = (
            f"An objective of {100 * result.objective:g} %: {result.error_share:.3%} of the "
            f"requests fail for {counted(result.minutes, 'minute')}, a burn rate of "
            f"{short(result.burn)}. "
        )
        if not result.fired:
            return f"{text}No alert fires; {result.spent:.1%} of the budget is spent."
        first = result.fired[0]
        return (
            f"{text}First to fire, after {counted(first.begin or 0, 'minute')}: {first.name}. "
            f"In all, {result.spent:.1%} of the budget is spent."
        )

    def table(self, result: BudgetResult) -> list[Row]:
        """List the burn rate, the budget, and when each alert fires and stops."""
        return [
            ("burn rate", short(result.burn)),
            ("may fail in 30 days", counted(result.budget, "request")),
            ("failed", f"{counted(result.failed, 'request')}: {result.spent:.1%} of the budget"),
            *((each.name, _when(each)) for each in result.firings),
        ]


def _when(firing: Firing) -> str:
    if firing.begin is None or firing.end is None or firing.spent is None:
        return "doesn't fire"
    return (
        f"from minute {firing.begin:,} to {firing.end:,}, "
        f"with {firing.spent:.1%} of the budget spent"
    )
