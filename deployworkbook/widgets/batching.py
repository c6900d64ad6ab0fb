"""The batching explorer: throughput against latency, from the costs per call and per image."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.batch_simulation import BatchedService, serve_in_batches
from deployworkbook.formulas.batching import fluid_size
from deployworkbook.formulas.overhead import Overhead
from deployworkbook.formulas.whole_numbers import rounded_up
from deployworkbook.plots.batching import BatchingResult, BatchingView, Tail
from deployworkbook.widgets.controls import LogSlider, Slider, Stops
from deployworkbook.widgets.explorer import Explorer

SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
RATE_LOW, RATE_HIGH = 10.0, 30_000.0
# Shares of the capacity at which latencies are computed; closer together where latencies rise.
LOADS = np.array([0.001, 0.01, 0.05, 0.15, 0.3, 0.45, 0.6, 0.7, 0.8, 0.88, 0.94, 0.98])
COST_LOW_US, COST_HIGH_US = 1.0, 100_000.0
REQUESTS = 1000
# Arrivals of a Poisson process at one per second; all rates share them, for smooth curves.
ARRIVALS = np.cumsum(np.random.default_rng(0).exponential(1.0, REQUESTS))


def compute_batching(
    *, largest_batch: int, timeout_ms: float, rate_per_s: float, call_us: float, image_us: float
) -> BatchingResult:
    """Simulate one worker that serves requests in batches.

    Args:
        largest_batch: b, at least 1.
        timeout_ms: Time for which a batch waits to fill up, at least 0.
        rate_per_s: Requests per second, at random times, above 0.
        call_us: a, time per call, µs.
        image_us: c, additional time per request, µs.

    >>> result = compute_batching(
    ...     largest_batch=8, timeout_ms=0.0, rate_per_s=100.0, call_us=4000.0, image_us=500.0
    ... )
    >>> result.capacity_per_s  # 8 / (4 ms + 8 · 0.5 ms)
    1000.0
    >>> result.smallest_batch  # alone, 1 / 4.5 ms = 222 per second are enough
    1
    """
    costs = Overhead(call_us / 1e6, image_us / 1e6)
    timeout_s = timeout_ms / 1e3
    here = _served(rate_per_s, costs, largest_batch, timeout_s)
    alone = _served(rate_per_s, costs, 1, 0.0)
    p50_ms, p99_ms = _percentiles(here)
    return BatchingResult(
        largest_batch=largest_batch,
        rate_per_s=rate_per_s,
        sizes=np.array(SIZES),
        capacities_per_s=costs.throughput(SIZES),
        capacity_per_s=float(costs.throughput(largest_batch)),
        joined=_tail(costs, largest_batch, timeout_s),
        single=_tail(costs, 1, 0.0),
        p50_ms=p50_ms,
        p99_ms=p99_ms,
        single_p99_ms=_percentiles(alone)[1],
        mean_size=float("nan") if here is None else here.mean_size,
        utilisation=float("nan") if here is None else here.utilisation,
        smallest_batch=_smallest_batch(rate_per_s, costs),
    )


def _smallest_batch(rate_per_s: float, costs: Overhead) -> int | None:
    if rate_per_s * costs.per_image >= 1:
        return None
    return int(rounded_up(fluid_size(rate_per_s, costs)))


def _served(
    rate_per_s: float, costs: Overhead, largest_batch: int, timeout_s: float
) -> BatchedService | None:
    """Simulate requests at a rate; return ``None`` if the worker can't keep up."""
    if rate_per_s >= costs.throughput(largest_batch):
        return None
    return serve_in_batches(
        ARRIVALS / rate_per_s, costs, largest_batch=largest_batch, timeout_s=timeout_s
    )


def _percentiles(served: BatchedService | None) -> tuple[float, float]:
    if served is None:
        return float("nan"), float("nan")
    p50, p99 = np.percentile(served.latencies_s, (50, 99))
    return 1e3 * float(p50), 1e3 * float(p99)


@lru_cache(maxsize=64)
def _tail(costs: Overhead, largest_batch: int, timeout_s: float) -> Tail:
    """Return the latencies at all loads; cached, since they don't depend on the selected rate."""
    rates = LOADS * costs.throughput(largest_batch)
    found: NDArray[np.float64] = np.array(
        [_percentiles(_served(rate, costs, largest_batch, timeout_s)) for rate in rates]
    )
    return Tail(rates, found[:, 0], found[:, 1])


def batching_explorer(
    *, call_us: float = 2000.0, image_us: float = 100.0, rate_per_s: float = 300.0
) -> Explorer[BatchingResult]:
    """Make the batching explorer.

    Args:
        call_us: Initial time per call, µs, clipped to the slider's range.
        image_us: Initial time per image, µs, likewise clipped.
        rate_per_s: Initial arrival rate, in requests per second, likewise clipped.
    """
    call, image = (float(np.clip(c, COST_LOW_US, COST_HIGH_US)) for c in (call_us, image_us))
    rate = float(np.clip(rate_per_s, RATE_LOW, RATE_HIGH))
    controls = [
        LogSlider("call_us", "time per call", COST_LOW_US, COST_HIGH_US, 20, call, unit="µs"),
        LogSlider("image_us", "time per image", COST_LOW_US, COST_HIGH_US, 20, image, unit="µs"),
        LogSlider("rate_per_s", "arrival rate", RATE_LOW, RATE_HIGH, 20, rate, unit="/s"),
        Stops("largest_batch", "largest batch", SIZES, 1, unit="requests"),
        Slider("timeout_ms", "batch timeout", 0.0, 50.0, 0.5, 0.0, unit="ms"),
    ]
    return Explorer(
        controls, compute_batching, BatchingView(np.array(SIZES), (RATE_LOW, RATE_HIGH))
    )
