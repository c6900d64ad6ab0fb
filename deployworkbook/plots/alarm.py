"""Alarms: a detector's path over a stream, and what a threshold trades: false alarms for delay."""

from __future__ import annotations

from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from deployworkbook.plots.picture import COLOURS, Picture, styled
from deployworkbook.plots.view import Row, View

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trade:
    """What a detector's thresholds trade.

    Args:
        name: Name of the detector with its setting.
        false_alarms: Share of clean streams that alarm, per threshold.
        delays: Median number of images from the drift's start to the alarm, per threshold; infinite
            if most streams don't alarm.
    """

    name: str
    false_alarms: Array
    delays: Array


@dataclass(frozen=True, eq=False)
class AlarmResult:
    """The data of an alarm plot.

    Args:
        drift: Name of the drift.
        threshold: Threshold of the chosen detector.
        chosen: Trade of the chosen detector.
        other: Trade of the other one.
        streams: Number of clean streams.
        length: Images per clean stream.
        false_alarms: Share of the clean streams that alarm at the threshold.
        delay: Median delay at the threshold, in images; infinite if most streams don't alarm.
        slow_delay: Delay that 5 % of the streams exceed, likewise.
        path: The statistic over one stream, per image.
        first: Place of the path's first image, where 0 is the first one with drift.
    """

    drift: str
    threshold: float
    chosen: Trade
    other: Trade
    streams: int
    length: int
    false_alarms: float
    delay: float
    slow_delay: float
    path: Array
    first: int

    @property
    def alarm_at(self) -> int | None:
        """Where the path first exceeds the threshold; ``None`` if it never does."""
        above = np.flatnonzero(self.path > self.threshold)
        return int(above[0]) + self.first if len(above) else None


class AlarmView(View[AlarmResult]):
    """A path with its threshold, and delay by false alarms.

    Args:
        first: Place of the path's first image.
        last: Place of its last image.
        highest: Top of the statistic's axis.
    """

    @styled
    def __init__(self, first: int, last: int, highest: float) -> None:
        super().__init__(Picture(10, 4.2))
        path, trade = self.picture.subplots(1, 2)
        path.set(title="One stream", xlabel="images since the drift began", ylabel="statistic")
        path.set(xlim=(first, last), ylim=(0, highest))
        path.axvline(0, color=COLOURS[0], ls=":", lw=1.5, label="drift begins")
        self._path = self.line(path, color=COLOURS[1], lw=1.5, label="statistic")
        self._threshold = self.line(path, "--", color=COLOURS[2], lw=1.5, label="threshold")
        self._alarm = self.line(path, "X", color=COLOURS[2], ms=12, label="alarm")
        trade.set(title="What thresholds trade", xlabel="clean streams that alarm")
        trade.set(xlim=(-0.02, 1.02), yscale="log", ylim=(1, 2 * last))
        trade.set(ylabel="median delay (images)")
        trade.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
        self._other = self.line(trade, ":", color=COLOURS[0], lw=2, label="the other detector")
        self._chosen = self.line(trade, color=COLOURS[1], lw=2, label="this detector")
        self._here = self.line(trade, "o", color=COLOURS[2], ms=10, label="this threshold")
        for axes in (path, trade):
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2)
        self._ends = (first, last)
        self._highest = highest

    def update(self, result: AlarmResult) -> bool:
        """Move the path, the threshold and the curves."""
        places = np.arange(len(result.path)) + result.first
        self._path.set_data(places, np.minimum(result.path, 2 * self._highest))
        self._threshold.set_data(self._ends, [result.threshold] * 2)
        alarm = result.alarm_at
        alarms = np.array([] if alarm is None else [alarm], np.float64)
        self._alarm.set_data(alarms, np.full(len(alarms), result.threshold))
        for line, trade in ((self._chosen, result.chosen), (self._other, result.other)):
            found = np.isfinite(trade.delays)
            line.set_data(trade.false_alarms[found], trade.delays[found])
        self._here.set_data([result.false_alarms], [result.delay])
        return False

    def describe(self, result: AlarmResult) -> str:
        """Describe how often it alarms without drift, and how soon with it."""
        return (
            f"{result.chosen.name}, threshold {result.threshold:.3g}: {result.false_alarms:.0%} of "
            f"{result.streams} clean streams of {result.length:,} images alarm. "
            f"With drift ({result.drift}), {_delay(result.delay, 'half of the streams alarm')}."
        )

    def table(self, result: AlarmResult) -> list[Row]:
        """List false alarms and delays."""
        count = round(result.false_alarms * result.streams)
        return [
            ("detector", result.chosen.name),
            ("clean streams that alarm", f"{count} of {result.streams}"),
            ("median delay", _images(result.delay)),
            ("95 % alarm within", _images(result.slow_delay)),
        ]


def _images(delay: float) -> str:
    if not np.isfinite(delay):
        return "longer than the streams"
    return f"{delay:,.0f} image{'' if round(delay) == 1 else 's'}"


def _delay(delay: float, what: str) -> str:
    if not np.isfinite(delay):
        return f"fewer than {what} at all"
    return f"{what} within {_images(delay)}"
