"""Batched requests: a worker's capacity by batch size, and latency by request rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployworkbook.plots.picture import COLOURS, Picture, styled
from deployworkbook.plots.view import Row, View
from deployworkbook.plots.words import short


@dataclass(frozen=True, eq=False)
class Tail:
    """Latencies by the arrival rate.

    Args:
        rates_per_s: Requests per second, in order, shape ``[rates]``.
        p50_ms: Median latency, shape ``[rates]``.
        p99_ms: 99th percentile of latency, shape ``[rates]``.
    """

    rates_per_s: NDArray[np.float64]
    p50_ms: NDArray[np.float64]
    p99_ms: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BatchingResult:
    """The data of a batching plot.

    Args:
        largest_batch: b, the largest batch.
        rate_per_s: Requests per second.
        sizes: Batch sizes of the left curve.
        capacities_per_s: Requests per second that a worker can answer at each size.
        capacity_per_s: Requests per second that a worker can answer at b.
        joined: Latencies with batching, up to nearly the capacity.
        single: Latencies without batching.
        p50_ms: Median latency at this rate with batching; NaN if the worker can't keep up.
        p99_ms: 99th percentile, likewise.
        single_p99_ms: 99th percentile at this rate without batching.
        mean_size: Mean number of requests per batch at this rate.
        utilisation: Share of the time in which batches run.
        smallest_batch: Smallest batch that keeps up with the rate; ``None`` if none does.
    """

    largest_batch: int
    rate_per_s: float
    sizes: NDArray[np.int64]
    capacities_per_s: NDArray[np.float64]
    capacity_per_s: float
    joined: Tail
    single: Tail
    p50_ms: float
    p99_ms: float
    single_p99_ms: float
    mean_size: float
    utilisation: float
    smallest_batch: int | None

    @property
    def keeps_up(self) -> bool:
        """Whether the worker can answer all arriving requests."""
        return self.rate_per_s < self.capacity_per_s


class BatchingView(View[BatchingResult]):
    """Capacity by batch size, and latency by arrival rate, both on logarithmic axes.

    Args:
        sizes: Batch sizes of the left axis.
        rates_per_s: Lowest and highest request rate.
    """

    @styled
    def __init__(self, sizes: NDArray[np.int64], rates_per_s: tuple[float, float]) -> None:
        super().__init__(Picture(10, 4.4))
        capacity, latency = self.picture.subplots(1, 2)
        capacity.set(title="What one worker can answer", xlabel="largest batch (requests)")
        capacity.set(xscale="log", yscale="log", ylabel="requests per second")
        capacity.set(xlim=(sizes[0] / 1.3, sizes[-1] * 1.3), ylim=(rates_per_s[0], 3e5))
        capacity.set_xticks(sizes, [str(size) for size in sizes])
        capacity.minorticks_off()
        self._rate = self.line(capacity, "--", color=COLOURS[2], label="arrival rate")
        self._curve = self.line(capacity, color=COLOURS[1], lw=2, label="b / (a + c b)")
        self._size = self.line(capacity, "o", color=COLOURS[1], ms=10, label="this size")
        latency.set(title="Latency (simulated)", xlabel="requests per second")
        latency.set(xscale="log", yscale="log", ylabel="latency (ms)")
        latency.set(xlim=rates_per_s, ylim=(0.1, 3000))
        self._now = self.line(latency, "--", color=COLOURS[2], label="this rate")
        self._single = self.line(latency, ":", color=COLOURS[0], lw=2, label="p99, one by one")
        self._p99 = self.line(latency, color=COLOURS[1], lw=2, label="p99, in batches")
        self._p50 = self.line(latency, color=COLOURS[3], lw=2, label="p50, in batches")
        self._here = self.line(latency, "o", color=COLOURS[1], ms=9)
        for axes in (capacity, latency):
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2)
        self._sizes = (sizes[0] / 1.3, sizes[-1] * 1.3)

    def update(self, result: BatchingResult) -> bool:
        """Move the curves and the marks."""
        rate = result.rate_per_s
        self._rate.set_data(self._sizes, [rate, rate])
        self._curve.set_data(result.sizes, result.capacities_per_s)
        self._size.set_data([result.largest_batch], [result.capacity_per_s])
        self._now.set_data([rate, rate], [1e-2, 1e5])
        self._single.set_data(result.single.rates_per_s, result.single.p99_ms)
        self._p99.set_data(result.joined.rates_per_s, result.joined.p99_ms)
        self._p50.set_data(result.joined.rates_per_s, result.joined.p50_ms)
        self._here.set_data([rate], [result.p99_ms])
        return False

    def describe(self, result: BatchingResult) -> str:
        """Describe whether the worker keeps up, and how long requests take."""
        can = (
            f"In batches of up to {result.largest_batch}, one worker can answer "
            f"{result.capacity_per_s:,.0f} requests per second; {result.rate_per_s:,.0f} arrive."
        )
        if not result.keeps_up:
            return f"{can} It can't keep up: the queue grows without bound."
        return (
            f"{can} Half of them take less than {short(result.p50_ms)} ms, and 99 % less than "
            f"{short(result.p99_ms)} ms; the average batch holds {result.mean_size:.1f}."
        )

    def table(self, result: BatchingResult) -> list[Row]:
        """List capacity, batches and latencies."""
        needed = "none" if result.smallest_batch is None else f"{result.smallest_batch:,}"
        return [
            ("capacity, in batches", f"{result.capacity_per_s:,.0f} /s"),
            ("capacity, one by one", f"{result.capacities_per_s[0]:,.0f} /s"),
            ("smallest batch that keeps up", needed),
            ("average batch", _number(result.mean_size, "requests")),
            ("worker busy", _share(result.utilisation)),
            ("p50, in batches", _number(result.p50_ms, "ms")),
            ("p99, in batches", _number(result.p99_ms, "ms")),
            ("p99, one by one", _number(result.single_p99_ms, "ms")),
        ]


def _number(value: float, unit: str) -> str:
    return f"{short(value)} {unit}" if np.isfinite(value) else "the queue grows without bound"


def _share(value: float) -> str:
    return f"{value:.0%}" if np.isfinite(value) else "always"
