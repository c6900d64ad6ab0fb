"""How benchmarks compare: the two sides in turn, so that a busy machine slows both."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import pytest
from threadpoolctl import threadpool_limits


def speed_ratio(fast: Callable[[], object], baseline: Callable[[], object], rounds: int) -> float:
    """How many times longer the baseline takes, by the shortest of interleaved runs."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for function, record in zip((fast, baseline), times, strict=True):
            start = perf_counter()
            function()
            record.append(perf_counter() - start)
    return min(times[1]) / min(times[0])


@pytest.fixture
def compare(benchmark):
    """Record a formula's time and its ratio to a named baseline; return the ratio."""

    def run(
        fast: Callable[[], object],
        baseline: Callable[[], object],
        *,
        group: str,
        against: str,
        rounds: int = 5,
    ) -> float:
        benchmark.group = group
        # On a busy machine NumPy's threads wait for each other a hundred times as long as they
        # compute; TensorFlow has threads of its own, which this does not touch.
        with threadpool_limits(1):
            fast(), baseline()  # neither pays for its first call
            ratio = speed_ratio(fast, baseline, rounds=rounds)
            benchmark.extra_info[f"ratio to {against}"] = round(ratio, 3)
            benchmark.pedantic(fast, rounds=rounds)
        return ratio

    return run
