"""Replicas that share requests: response time by load, and by number of replicas."""

from __future__ import annotations

from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from deployworkbook.plots.bill import rate_text
from deployworkbook.plots.picture import COLOURS, Picture, styled
from deployworkbook.plots.view import Row, View
from deployworkbook.plots.words import short


@dataclass(frozen=True, eq=False)
class ReplicasResult:
    """The data of a replicas plot. Times are NaN where the queue grows without bound.

    Args:
        rate_per_s: Requests per second.
        service_ms: Mean response time without waiting.
        replicas: Number of replicas.
        utilisation: Share of the time for which each is busy; 1 or more is overload.
        loads: Utilisations of the left curves.
        mean_by_load_ms: Mean response time at each.
        p99_by_load_ms: 99th percentile at each.
        p99_by_replicas_ms: 99th percentile at this rate with 1, 2, … replicas.
        wait_ms: Mean wait at this rate, with these replicas.
        mean_ms: Mean response time at this rate.
        p99_ms: 99th percentile of the response time at this rate.
        replica_usd_per_month: Monthly cost per replica; ``None`` to leave it out.
    """

    rate_per_s: float
    service_ms: float
    replicas: int
    utilisation: float
    loads: NDArray[np.float64]
    mean_by_load_ms: NDArray[np.float64]
    p99_by_load_ms: NDArray[np.float64]
    p99_by_replicas_ms: NDArray[np.float64]
    wait_ms: float
    mean_ms: float
    p99_ms: float
    replica_usd_per_month: float | None = None

    @property
    def keeps_up(self) -> bool:
        """Whether the replicas can serve all arriving requests."""
        return self.utilisation < 1

    @property
    def fewest(self) -> int | None:
        """Fewest replicas that keep up, among the computed numbers."""
        able = np.flatnonzero(np.isfinite(self.p99_by_replicas_ms))
        return int(able[0]) + 1 if len(able) else None


class ReplicasView(View[ReplicasResult]):
    """Response times by load and by number of replicas, modelled.

    Args:
        most: Largest number of replicas.
    """

    @styled
    def __init__(self, most: int) -> None:
        super().__init__(Picture(10, 4.2))
        by_load, by_count = self.picture.subplots(1, 2, sharey=True)
        by_load.set(title="These replicas (modelled)", xlabel="utilisation", xlim=(0, 1))
        by_load.set(yscale="log", ylim=(0.05, 1e6), ylabel="response time (ms)")
        by_load.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
        self._p99 = self.line(by_load, color=COLOURS[1], lw=2, label="p99")
        self._mean = self.line(by_load, color=COLOURS[3], lw=2, label="mean")
        without = "service time, without waiting"
        self._service = self.line(by_load, ":", color=COLOURS[0], label=without, zorder=1.9)
        self._here = self.line(by_load, "o", color=COLOURS[2], ms=9, label="here")
        by_count.set(title="This arrival rate (modelled)", xlabel="replicas")
        by_count.set(xlim=(0, most + 1), xticks=np.arange(2, most + 1, 2))
        self._counts = self.line(by_count, "s", color=COLOURS[1], ms=6, label="p99")
        self._chosen = self.line(by_count, "o", color=COLOURS[2], ms=9, label="here")
        by_count.set_ylabel("response time (ms)")
        by_count.tick_params(labelleft=True)  # a narrow screen shows it below the other one
        for axes in (by_load, by_count):
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2)

    def update(self, result: ReplicasResult) -> bool:
        """Move the curves and the marks."""
        self._service.set_data([0, 1], [result.service_ms, result.service_ms])
        self._p99.set_data(result.loads, result.p99_by_load_ms)
        self._mean.set_data(result.loads, result.mean_by_load_ms)
        self._here.set_data([result.utilisation] * 2, [result.mean_ms, result.p99_ms])
        counts = np.arange(1, len(result.p99_by_replicas_ms) + 1)
        self._counts.set_data(counts, result.p99_by_replicas_ms)
        self._chosen.set_data([result.replicas], [result.p99_ms])
        return False

    def describe(self, result: ReplicasResult) -> str:
        """Describe how busy the replicas are, and how long requests take."""
        who = "One replica" if result.replicas == 1 else f"{result.replicas} replicas"
        text = (
            f"{who}, {rate_text(result.rate_per_s)} of {short(result.service_ms)} ms: "
            f"utilisation {result.utilisation:.0%}."
        )
        if not result.keeps_up:
            return f"{text} More work arrives than can be done: the queue grows without bound."
        return (
            f"{text} The mean response takes {short(result.mean_ms)} ms, and 99 % take less than "
            f"{short(result.p99_ms)} ms."
        )

    def table(self, result: ReplicasResult) -> list[Row]:
        """List utilisation, waits and response times."""
        most = len(result.p99_by_replicas_ms)
        fewest = f"more than {most}" if result.fewest is None else str(result.fewest)
        price = result.replica_usd_per_month
        paid = (
            f"{price * result.replicas:,.2f} USD per month, modelled" if price is not None else ""
        )
        return [
            ("utilisation", f"{result.utilisation:.0%}"),
            ("replicas that keep up, at least", fewest),
            ("mean wait", _milliseconds(result.wait_ms)),
            ("mean response time", _milliseconds(result.mean_ms)),
            ("p99 of the response time", _milliseconds(result.p99_ms)),
            *([("these replicas cost", paid)] if paid else []),
        ]


def _milliseconds(value: float) -> str:
    return f"{short(value)} ms" if np.isfinite(value) else "grows without bound"
