"""Cloud against edge: cost by traffic, and from which rate on the boards are cheaper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from deployworkbook.plots.bill import KIND_COLOURS, add_note, rate_text
from deployworkbook.plots.picture import COLOURS, Picture, styled
from deployworkbook.plots.stacked import StackedBars
from deployworkbook.plots.view import Row, View
from deployworkbook.plots.words import counted, short


@dataclass(frozen=True, eq=False)
class CloudOrEdgeResult:
    """The data of a cloud-or-edge plot. Costs are infinite where a deployment cannot serve.

    Args:
        requests_per_s: Selected request rate.
        devices: Number of boards.
        board: Name of the board.
        cloud_usd: Monthly cost in the cloud at the selected rate, by kind.
        edge_usd: Monthly cost on the boards at the selected rate, by kind.
        rates_per_s: Request rates of the curves, shape ``[n]``.
        cloud_by_rate_usd: Monthly cost in the cloud at each rate, shape ``[n]``.
        edge_by_rate_usd: Monthly cost on the boards at each rate, shape ``[n]``.
        break_even_per_s: Rate from which the boards are cheaper; ``None`` if they never are.
        most_of_boards_per_s: Largest rate that all boards together can serve, even beyond the
            curves; 0 if they can't serve any.
    """

    requests_per_s: float
    devices: int
    board: str
    cloud_usd: Mapping[Any, float]
    edge_usd: Mapping[Any, float]
    rates_per_s: NDArray[np.float64]
    cloud_by_rate_usd: NDArray[np.float64]
    edge_by_rate_usd: NDArray[np.float64]
    break_even_per_s: float | None
    most_of_boards_per_s: float

    @property
    def totals_usd(self) -> tuple[float, float]:
        """Monthly cost at the selected rate in the cloud, and on the boards."""
        return sum(self.cloud_usd.values()), sum(self.edge_usd.values())


class CloudOrEdgeView(View[CloudOrEdgeResult]):
    """Two modelled cost curves with their crossing, and two stacked bars at the selected rate.

    Args:
        rates_per_s: Request rates of the curves.
        note: Sources of the prices, shown below the plot.
    """

    @styled
    def __init__(self, rates_per_s: NDArray[np.float64], note: str) -> None:
        super().__init__(Picture(10, 4.2))
        curves, here = self.picture.subplots(1, 2, width_ratios=(1.3, 1))
        curves.set(title="By traffic (modelled)", xlabel="requests per second")
        curves.set(xscale="log", xlim=(rates_per_s[0], rates_per_s[-1]))
        curves.set(yscale="log", ylim=(100, 1e8), ylabel="USD per month")
        self._cloud = self.line(curves, color=COLOURS[1], lw=2, label="cloud")
        self._edge = self.line(curves, "--", color=COLOURS[2], lw=2, label="edge")
        # Below both curves, which cross on it.
        self._even = self.line(curves, ":", color=COLOURS[0], label="break-even", zorder=1.9)
        self._dots = self.line(curves, "o", color=COLOURS[0], ms=7, label="here")
        curves.legend(loc="upper left")
        here.set_title("Here (modelled)")
        kinds = list(KIND_COLOURS.values())
        self._bars = StackedBars(self, here, {"cloud": kinds, "edge": kinds})
        # The last label would extend beyond the picture.
        here.xaxis.set_major_locator(MaxNLocator(4, steps=(1, 2, 5, 10), prune="upper"))
        self._bars.add_legend(columns=2)
        add_note(self.picture, note)

    def update(self, result: CloudOrEdgeResult) -> bool:
        """Move the curves and bars; a larger bill needs a longer axis."""
        self._cloud.set_data(result.rates_per_s, result.cloud_by_rate_usd)
        self._edge.set_data(result.rates_per_s, result.edge_by_rate_usd)
        even = result.break_even_per_s
        self._even.set_data([even or np.nan] * 2, [1.0, 1e9])
        self._dots.set_data([result.requests_per_s] * 2, result.totals_usd)
        return self._bars.update([list(result.cloud_usd.values()), list(result.edge_usd.values())])

    def describe(self, result: CloudOrEdgeResult) -> str:
        """Describe both totals, and from which rate on the boards are cheaper."""
        cloud, edge = result.totals_usd
        boards = f"{counted(result.devices, 'board')} {result.board}"
        text = (
            f"At {rate_text(result.requests_per_s)}, the cloud costs {cloud:,.0f} USD per month, "
            f"and {boards} "
        )
        cost = "costs" if result.devices == 1 else "cost"
        text += f"{cost} {edge:,.0f} USD." if np.isfinite(edge) else "cannot serve them."
        return f"{text} The boards are cheaper {_where_cheaper(result)}."

    def table(self, result: CloudOrEdgeResult) -> list[Row]:
        """List both monthly costs, the break-even point and the boards' capacity."""
        cloud, edge = result.totals_usd
        even = result.break_even_per_s
        # If the boards are cheaper from the plot's left end on, that end is no break-even point.
        is_found = even is not None and even > result.rates_per_s[0]
        each = f", {short((even or 0.0) / result.devices)} per board" if is_found else ""
        return [
            ("cloud", f"{cloud:,.2f} USD per month"),
            ("edge", f"{edge:,.2f} USD per month" if np.isfinite(edge) else "cannot serve"),
            ("the boards are cheaper", f"{_where_cheaper(result)}{each}"),
            ("all boards together serve at most", _most(result)),
        ]


def _where_cheaper(result: CloudOrEdgeResult) -> str:
    even, lowest = result.break_even_per_s, result.rates_per_s[0]
    if even is None:
        return "at no rate that they can serve"
    if even <= lowest:
        lowest_text, most = rate_text(lowest), result.rates_per_s[-1]
        if (result.edge_by_rate_usd < result.cloud_by_rate_usd).all():
            return f"over the whole range, {lowest_text} to {rate_text(most)}"
        return f"from the beginning of the range, {lowest_text}"
    return f"from {rate_text(even)} on"


def _most(result: CloudOrEdgeResult) -> str:
    most = result.most_of_boards_per_s
    if most == np.inf:
        return "more than the computed range"
    return rate_text(most) if most else "none within the objective"
