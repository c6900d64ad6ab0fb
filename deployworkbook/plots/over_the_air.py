"""Updates over the air: what they cost a fleet, as whole files and as patches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.patches import Patch
from numpy.typing import NDArray

from deployworkbook.plots.bill import THOUSANDS, add_note
from deployworkbook.plots.picture import COLOURS, Picture, styled
from deployworkbook.plots.stacked import StackedBars, short_usd
from deployworkbook.plots.view import Row, View
from deployworkbook.plots.words import byte_size, counted, duration

Array = NDArray[np.float64]

PART_COLOURS = {
    "engineers": COLOURS[4],
    "visits": COLOURS[5],
    "out of the cloud": COLOURS[1],
    "carrier": COLOURS[3],
}
LEAST_USD, MOST_USD = 0.01, 1e7


@dataclass(frozen=True, eq=False)
class Update:
    """One way to send an update.

    Args:
        name: What is sent.
        device_bytes: Bytes of the file per device, on average.
        link_bytes: Bytes on the link per device: with headers, and packets that are sent again.
        device_s: Time that it takes per device.
        device_mj: Energy of the device's radio.
        battery_share: That energy as a share of the battery.
        costs_usd: USD per month by part, in the order of ``PART_COLOURS``.
        data_by_devices_usd: USD per month for data alone, at each number of devices of the curves.
    """

    name: str
    device_bytes: float
    link_bytes: float
    device_s: float
    device_mj: float
    battery_share: float
    costs_usd: tuple[float, ...]
    data_by_devices_usd: Array

    @property
    def data_usd(self) -> float:
        """USD per month for data: out of the cloud, and to the carrier."""
        return sum(self.costs_usd[2:])

    @property
    def total_usd(self) -> float:
        """USD per month."""
        return sum(self.costs_usd)


@dataclass(frozen=True, eq=False)
class OverTheAirResult:
    """The data of a plot of updates over the air.

    Args:
        link: Name of the radio.
        devices: Number of devices.
        updates_per_month: Number of updates.
        fleet_sizes: Numbers of devices of the curves.
        people_by_devices_usd: USD per month for people, either way, at each of these.
        ways: The whole file, and the patch.
    """

    link: str
    devices: int
    updates_per_month: float
    fleet_sizes: Array
    people_by_devices_usd: Array
    ways: tuple[Update, Update]


class OverTheAirView(View[OverTheAirResult]):
    """Costs by part for both ways, and by the number of devices.

    Args:
        names: Names of both ways.
        fleet_sizes: Numbers of devices of the curves.
        note: Sources of the prices, shown below the plot.
    """

    @styled
    def __init__(self, names: tuple[str, ...], fleet_sizes: Array, note: str) -> None:
        super().__init__(Picture(9.1, 4.2))
        here, curves = self.picture.subplots(1, 2, width_ratios=(1, 1.1))
        here.set_title("Here (modelled)")
        colours = list(PART_COLOURS.values())
        self._bars = StackedBars(self, here, dict.fromkeys(names, colours))
        patches = [Patch(color=colour, label=part) for part, colour in PART_COLOURS.items()]
        here.legend(handles=patches, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
        curves.set(title="By the fleet's size (modelled)", xlabel="devices")
        curves.set(xscale="log", xlim=(fleet_sizes[0], fleet_sizes[-1]))
        curves.set(yscale="log", ylim=(LEAST_USD, MOST_USD), ylabel="USD per month")
        looks = zip(names, ("-", "--"), (COLOURS[1], COLOURS[2]), strict=True)
        self._people = self.line(curves, ":", color=COLOURS[0], lw=2, label="people, either way")
        self._curves = [
            self.line(curves, style, color=colour, lw=2, label=f"data, {name}")
            for name, style, colour in looks
        ]
        self._here = self.line(curves, "o", color=COLOURS[0], ms=7, label="here")
        sizes = [1, 100, 10_000, 1_000_000]
        curves.set_xticks(sizes, [f"{size:,}" for size in sizes])
        curves.yaxis.set_major_formatter(THOUSANDS)
        curves.minorticks_off()
        curves.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
        add_note(self.picture, note)

    def update(self, result: OverTheAirResult) -> bool:
        """Move the curves and bars; a larger bill needs a longer axis."""
        for curve, way in zip(self._curves, result.ways, strict=True):
            curve.set_data(result.fleet_sizes, _visible(way.data_by_devices_usd))
        self._people.set_data(result.fleet_sizes, _visible(result.people_by_devices_usd))
        costs = [sum(result.ways[0].costs_usd[:2]), *(way.data_usd for way in result.ways)]
        self._here.set_data([result.devices] * 3, _visible(np.array(costs)))
        return self._bars.update([way.costs_usd for way in result.ways])

    def describe(self, result: OverTheAirResult) -> str:
        """Describe both ways' bytes, times and costs."""
        said = "; ".join(
            f"{way.name}: {byte_size(way.device_bytes)} in {duration(way.device_s)} per device, "
            f"{short_usd(way.total_usd)} USD per month"
            for way in result.ways
        )
        return (
            f"{counted(result.devices, 'device')} over {result.link}, "
            f"{counted(result.updates_per_month, 'update')} per month. {said}."
        )

    def table(self, result: OverTheAirResult) -> list[Row]:
        """List bytes, times, energy and costs of both ways."""
        rows: list[Row] = []
        for way in result.ways:
            one_by_one = result.devices * way.device_s
            rows += [
                (f"{way.name}, per device", byte_size(way.device_bytes)),
                (f"{way.name}, time per device", duration(way.device_s)),
                (f"{way.name}, all devices one by one", duration(one_by_one)),
                (f"{way.name}, sent to the fleet", byte_size(result.devices * way.link_bytes)),
                (f"{way.name}, share of a battery", f"{100 * way.battery_share:.3g} %"),
                (f"{way.name}, data", f"{short_usd(way.data_usd)} USD per month"),
            ]
        return rows


def _visible(costs_usd: Array) -> Array:
    """Return costs that a logarithmic axis can show: nothing is below its end."""
    return np.maximum(costs_usd, LEAST_USD / 10)
