"""Simulation of batched requests, one by one: when each request's batch starts and ends."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.overhead import Overhead
from deployworkbook.validation import check_array, check_integer, check_number, value_error

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BatchedService:
    """The requests that one worker served in batches, with their times.

    Args:
        arrivals_s: Arrival time of each request, in order, shape ``[n]``.
        starts_s: Start time of each batch, shape ``[k]``.
        ends_s: End time of each batch, shape ``[k]``.
        sizes: Number of requests in each batch, shape ``[k]``; their sum is n.
    """

    arrivals_s: Array
    starts_s: Array
    ends_s: Array
    sizes: NDArray[np.int64]

    @property
    def latencies_s(self) -> Array:
        """Time from each request's arrival to the end of its batch, shape ``[n]``."""
        return np.repeat(self.ends_s, self.sizes) - self.arrivals_s

    @property
    def waits_s(self) -> Array:
        """Time from each request's arrival to the start of its batch, shape ``[n]``."""
        return np.repeat(self.starts_s, self.sizes) - self.arrivals_s

    @property
    def mean_size(self) -> float:
        """Mean number of requests per batch."""
        return float(self.sizes.mean())

    @property
    def utilisation(self) -> float:
        """Share of the time from the first arrival to the last end in which a batch was running."""
        busy = (self.ends_s - self.starts_s).sum()
        return float(busy / (self.ends_s[-1] - self.arrivals_s[0]))


def serve_in_batches(
    arrivals_s: ArrayLike, costs: Overhead, *, largest_batch: int, timeout_s: float
) -> BatchedService:
    """Simulate one worker that batches requests as TensorFlow Serving does.

    A batch may run once it is full or its first request has waited for the time-out. It starts as
    soon as the worker is free too, and takes all requests that have arrived, up to b of them:

        start = max(free, min(arrival of the b-th, arrival of the first + T))
        end = start + a + c · size

    Args:
        arrivals_s: Arrival times in order, at least one.
        costs: a and c in seconds.
        largest_batch: b, ``max_batch_size``, at least 1.
        timeout_s: T, ``batch_timeout_micros`` in seconds, at least 0.

    Raises:
        ValueError: The times are out of order, or a setting is out of range.

    Source: tensorflow/serving, "Batching guide", which names the parameters.

    >>> served = serve_in_batches(
    ...     [0.0, 1.0, 2.0, 3.0], Overhead(2.0, 1.0), largest_batch=2, timeout_s=5.0
    ... )
    >>> served.starts_s, served.ends_s  # the second batch waits until the worker is free
    (array([1., 5.]), array([5., 9.]))
    >>> served.latencies_s
    array([5., 4., 7., 6.])
    """
    times = check_array("arrivals_s", arrivals_s, ndim=1)
    if np.any(np.diff(times) < 0):
        raise value_error("arrivals_s", received="times that go back", expected="ascending times")
    check_integer("largest_batch", largest_batch, 1)
    check_number("timeout_s", timeout_s, 0)
    # Lists, because a loop over single numbers is several times faster than with arrays.
    arrivals, count = times.tolist(), len(times)
    starts, ends, sizes = [], [], []
    free, first = -math.inf, 0
    while first < count:
        end_of_batch = first + largest_batch
        full = arrivals[end_of_batch - 1] if end_of_batch <= count else math.inf
        start = max(free, min(full, arrivals[first] + timeout_s))
        after = bisect_right(arrivals, start, first + 1, min(end_of_batch, count))
        free = start + costs.fixed + costs.per_image * (after - first)
        starts.append(start)
        ends.append(free)
        sizes.append(after - first)
        first = after
    return BatchedService(times, np.array(starts), np.array(ends), np.array(sizes))
