"""Time predictions: one image per call, and many images per call."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.training.garbage import without_garbage_collection
from deployworkbook.validation import check_integer, check_number

Predict = Callable[[NDArray[np.float32]], Any]


def processor_clock() -> Callable[[], float]:
    """Return a clock of what this process computes, all its threads together, in seconds.

    Other programs don't move it, so it times code of one thread on a machine that does other things
    as well. On Windows, where it moves in steps of 16 ms, the clock of the time that passes is
    returned instead.

    >>> clock = processor_clock()
    >>> start = clock()
    >>> total = sum(range(1_000_000))
    >>> clock() > start
    True
    """
    return time.perf_counter if os.name == "nt" else time.process_time


@dataclass(frozen=True)
class Latency:
    """Times of single predictions, one after another.

    Args:
        times_ms: Time of each prediction in milliseconds, in order.
    """

    times_ms: NDArray[np.float64]

    @property
    def p50_ms(self) -> float:
        """Median: half of the predictions were faster."""
        return float(np.percentile(self.times_ms, 50))

    @property
    def p99_ms(self) -> float:
        """99th percentile: all but one prediction in a hundred were faster."""
        return float(np.percentile(self.times_ms, 99))


def time_images(
    predict: Predict, images: NDArray[np.float32], *, repetitions: int, warm_up: int
) -> NDArray[np.float64]:
    """Time predictions of one image each, after some warm-up predictions that do not count.

    The first calls allocate, trace and fill caches, which a server pays for only once. Images take
    turns, so that no result can be reused.

    Args:
        predict: Function to time; it must return a computed result, not one still pending.
        images: float32, shape ``[n, 28, 28]``.
        repetitions: Number of predictions that count.
        warm_up: Number of predictions before these.

    Returns:
        Milliseconds, shape ``[repetitions]``.
    """
    check_integer("repetitions", repetitions, 1)
    check_integer("warm_up", warm_up, 1)
    times_ns = np.empty(repetitions)
    with without_garbage_collection():
        for turn in range(-warm_up, repetitions):
            place = turn % len(images)
            image = images[place : place + 1]
            start = time.perf_counter_ns()
            predict(image)
            if turn >= 0:
                times_ns[turn] = time.perf_counter_ns() - start
    return times_ns / 1e6


def time_batches(
    predict: Predict, batch: NDArray[np.float32], *, seconds: float, least: int
) -> list[float]:
    """Time predictions of one batch, after one that does not count.

    Args:
        predict: Function to time.
        batch: float32, shape ``[n, 28, 28]``.
        seconds: Minimum total time.
        least: Minimum number of predictions.

    Returns:
        Seconds per prediction.
    """
    check_number("seconds", seconds, 0)
    check_integer("least", least, 1)
    predict(batch)
    times_s: list[float] = []
    total_s = 0.0  # kept up: to add up thousands of times after each takes longer than they did
    with without_garbage_collection():
        while len(times_s) < least or total_s < seconds:
            start = time.perf_counter()
            predict(batch)
            times_s.append(time.perf_counter() - start)
            total_s += times_s[-1]
    return times_s
