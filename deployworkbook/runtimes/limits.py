"""Measure this machine's limits in arithmetic and memory, with NumPy's own kernels."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from deployworkbook.runtimes.timing import processor_clock
from deployworkbook.validation import check_integer, check_number

SIDE = 512


@dataclass(frozen=True)
class Limits:
    """The two limits of a computation in float32.

    Args:
        operations_per_s: Additions plus multiplications per second.
        bytes_per_s: Bytes read per second, from the cache that holds them.
        threads: Number of threads.
    """

    operations_per_s: float
    bytes_per_s: float
    threads: int


def measure_limits(traffic_bytes: int, *, threads: int = 1, seconds: float = 0.2) -> Limits:
    """Measure the fastest matrix product, and the fastest read of a number of bytes.

    The product of two square matrices uses each number many times, so arithmetic is its limit. The
    inner product of two vectors uses each number once, so reading is its limit. Vectors that fit
    into a cache are read from there, like the weights of a model that was just used.

    Args:
        traffic_bytes: Bytes to read: those of the model's weights.
        threads: Number of threads.
        seconds: Time to try each; the fastest run counts, on one thread by its processor time.
    """
    check_integer("traffic_bytes", traffic_bytes, 8)
    check_number("seconds", seconds, 0)
    matrix = np.ones((SIDE, SIDE), np.float32)
    product = np.empty_like(matrix)
    first, second = np.ones((2, traffic_bytes // 8), np.float32)
    with threadpool_limits(check_integer("threads", threads, 1)):
        clock = processor_clock() if threads == 1 else time.perf_counter
        product_s = _fastest(lambda: np.matmul(matrix, matrix, out=product), seconds, clock)
        reading_s = _fastest(lambda: np.dot(first, second), seconds, clock)
    return Limits(2 * SIDE**3 / product_s, (first.nbytes + second.nbytes) / reading_s, threads)


def _fastest(call: Callable[[], object], seconds: float, clock: Callable[[], float]) -> float:
    best, end = np.inf, time.perf_counter() + seconds
    while time.perf_counter() < end or best == np.inf:
        start = clock()
        call()
        best = min(best, clock() - start)
    return float(best)
