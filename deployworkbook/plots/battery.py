"""Battery: where a device's energy goes, and how long it lasts by its number of images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from deployworkbook.plots.bill import THOUSANDS, add_note
from deployworkbook.plots.picture import COLOURS, Picture, name_rows, styled
from deployworkbook.plots.view import Row, View
from deployworkbook.plots.words import duration, short

Array = NDArray[np.float64]

DAYS_PER_YEAR = 365.25
SECONDS_PER_DAY = 86_400.0
# Ends of the axis of lives, in days.
SHORTEST, LONGEST = 0.04, 20_000.0
PART_COLOURS = {
    "lost by itself": COLOURS[4],
    "asleep": COLOURS[0],
    "camera": COLOURS[5],
    "computing": COLOURS[2],
    "radio": COLOURS[1],
}


@dataclass(frozen=True, eq=False)
class Way:
    """One way to get an answer: the device sends the image, or computes and sends the answer.

    Args:
        name: What is sent.
        per_day_mj: Energy of a day by part, in the order of ``PART_COLOURS``.
        message_mj: Energy of the radio per image.
        most_per_hour: Images per hour that the link can carry at most.
        life_days: How long the battery lasts; NaN if the link can't carry so many images.
        lives_days: The same at each rate of the curves.
    """

    name: str
    per_day_mj: tuple[float, ...]
    message_mj: float
    most_per_hour: float
    life_days: float
    lives_days: Array


@dataclass(frozen=True, eq=False)
class BatteryResult:
    """The data of a battery plot.

    Args:
        device: Name of the microcontroller.
        radio: Name of the radio.
        battery: Name of the battery.
        images_per_hour: Rate of the images.
        compute_mj: Energy of computing one answer on the device.
        compute_ms: Time that this takes.
        rates: Images per hour of the curves.
        ways: The ways, in the order of the view's.
        missing_ma: What the radio draws beyond the battery's largest current; at most 0 if none.
    """

    device: str
    radio: str
    battery: str
    images_per_hour: float
    compute_mj: float
    compute_ms: float
    rates: Array
    ways: tuple[Way, ...]
    missing_ma: float


class BatteryView(View[BatteryResult]):
    """Shares of each day's energy, and the battery's life by the rate of the images.

    Args:
        names: Names of the ways.
        rates: Images per hour of the curves.
        note: Sources of the figures, shown below the plot.
    """

    @styled
    def __init__(self, names: tuple[str, ...], rates: Array, note: str) -> None:
        super().__init__(Picture(9.1, 4.4))
        shares, lives = self.picture.subplots(1, 2, width_ratios=(1, 1.15))
        shares.set(title="Where a day's energy goes (modelled)", xlim=(0, 1))
        name_rows(shares, [name.replace(" ", "\n", 1) for name in names])
        shares.xaxis.set_major_formatter(PercentFormatter(1))
        self._bars = [
            [
                shares.barh(row, 0, 0.55, color=colour, label=part if row == 0 else None)[0]
                for part, colour in PART_COLOURS.items()
            ]
            for row in range(len(names))
        ]
        shares.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=3)
        lives.set(title="How long the battery lasts (modelled)", xlabel="images per hour")
        lives.set(xscale="log", xlim=(rates[0], rates[-1]), yscale="log", ylim=(SHORTEST, LONGEST))
        lives.set_yticks(
            [1 / 24, 1, 7, 30, DAYS_PER_YEAR, 10 * DAYS_PER_YEAR],
            ["1 hour", "1 day", "1 week", "1 month", "1 year", "10 years"],
        )
        lives.xaxis.set_major_formatter(THOUSANDS)
        lives.minorticks_off()
        looks = zip(names, ("--", "-"), (COLOURS[1], COLOURS[2]), strict=True)
        self._lives = [
            self.line(lives, style, color=colour, lw=2, label=name) for name, style, colour in looks
        ]
        self._here = self.line(lives, "o", color=COLOURS[0], ms=8, label="here")
        lives.legend(loc="lower left")
        add_note(self.picture, note)
        self.moving.extend(bar for row in self._bars for bar in row)

    def update(self, result: BatteryResult) -> bool:
        """Set the bars' parts, and move the curves."""
        for bars, curve, way in zip(self._bars, self._lives, result.ways, strict=True):
            widths = np.array(way.per_day_mj) / sum(way.per_day_mj)
            for bar, end, width in zip(bars, np.cumsum(widths), widths, strict=True):
                bar.set(x=end - width, width=width)
            curve.set_data(result.rates, way.lives_days)
        self._here.set_data(
            [result.images_per_hour] * len(result.ways), [way.life_days for way in result.ways]
        )
        return False

    def describe(self, result: BatteryResult) -> str:
        """Describe how long the battery lasts each way."""
        said = "; ".join(f"{way.name}: {_life(way, result)}" for way in result.ways)
        weak = " The battery can't deliver the radio's current." if result.missing_ma > 0 else ""
        return (
            f"{result.device} with {result.radio} on {result.battery}, "
            f"{short(result.images_per_hour)} images per hour. {said}.{weak}"
        )

    def table(self, result: BatteryResult) -> list[Row]:
        """List lives, energies per image and what the battery can't do."""
        weak = f"no: {result.missing_ma:g} mA more than it can" if result.missing_ma > 0 else "yes"
        rows = [(f"{way.name}, battery lasts", _life(way, result)) for way in result.ways]
        rows += [
            (f"{way.name}, radio per image", f"{short(way.message_mj)} mJ") for way in result.ways
        ]
        return [
            *rows,
            (
                "computing per image",
                f"{short(result.compute_mj)} mJ in {short(result.compute_ms)} ms",
            ),
            ("the battery can deliver the radio's current", weak),
        ]


def _life(way: Way, result: BatteryResult) -> str:
    if np.isnan(way.life_days):
        return f"the link carries at most {short(way.most_per_hour)} images per hour"
    return duration(SECONDS_PER_DAY * way.life_days)
