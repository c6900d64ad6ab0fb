"""Batching at a server: how large batches get at a request rate, and how long requests wait."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.erlang import check_stable
from deployworkbook.formulas.overhead import Overhead
from deployworkbook.validation import check_integer, check_number, value_error

# Iterate the stationary distribution until it changes by less than this. Above MOST_LOAD, that
# would take minutes.
PRECISION = 1e-12
MOST_LOAD = 0.98


@dataclass(frozen=True)
class Batches:
    """The steady state of a server that runs requests in batches.

    Args:
        mean_size: Mean number of requests per batch.
        utilisation: Share of time in which a batch is running.
        mean_response_s: Mean time from a request's arrival to its batch's end, seconds.
    """

    mean_size: float
    utilisation: float
    mean_response_s: float


def most_per_s(line: Overhead, max_batch: int) -> float:
    """Return the largest throughput of a server, which the arrival rate must stay below.

        b / t(b) = b / (α + β b),   b = max_batch

    Args:
        line: Time per batch, seconds: α per run, plus β per request.
        max_batch: At least 1.

    Returns:
        Requests per second.

    Raises:
        ValueError: ``max_batch`` is out of range.

    >>> most_per_s(Overhead(0.004, 0.001), 16)  # 16 / 0.020
    800.0
    """
    return float(line.throughput(check_integer("max_batch", max_batch, 1)))


def fluid_size(arrival_rate_per_s: float, line: Overhead) -> float:
    """Return the batch size that sustains itself: the requests that arrive while one batch runs.

        b = λ t(b)   ⟹   b = λ α / (1 - λ β)

    A server that takes all waiting requests finds this size by itself: more traffic, larger
    batches. This ignores randomness; ``greedy_batches`` doesn't.

    Args:
        arrival_rate_per_s: λ, at least 0.
        line: Time per batch, seconds.

    Returns:
        Requests per batch, at least 1.

    Raises:
        ValueError: λ β is 1 or more, so that no batch size can keep up.

    >>> round(fluid_size(500.0, Overhead(0.004, 0.001)), 9)  # 500 · 0.004 / (1 - 0.5)
    4.0
    """
    rate = check_number("arrival_rate_per_s", arrival_rate_per_s, 0)
    check_stable(rate * line.per_image)
    return max(1.0, rate * line.fixed / (1.0 - rate * line.per_image))


def greedy_batches(arrival_rate_per_s: float, line: Overhead, max_batch: int) -> Batches:
    """Return the steady state of a server that runs all waiting requests as soon as it is free.

    At the start of each run q requests are waiting, of which b = min(q, max_batch) are taken. While
    they run, Poisson(λ t(b)) arrive:

        q' = max(1, q - b + Poisson(λ t(b))),   π its stationary distribution
        E[R] = Σ π(q) (q t(b) + λ t(b)² / 2) / (λ (Σ π(q) t(b) + P(idle) / λ))

    The numerator is the total time that requests spend in the system during a run; the denominator
    is how many arrive in a run and the idle time after it (Little's law). Exact, for one server.

    Args:
        arrival_rate_per_s: λ of a Poisson process, more than 0.
        line: Time per batch, seconds.
        max_batch: Largest batch, at least 1; 1 gives M/D/1.

    Raises:
        ValueError: An argument is out of range, or the rate reaches ``most_per_s``.

    Source: N. Bailey, "On queueing processes with bulk service", J. Royal Statistical Society B 16,
    1954; M. Chaudhry and J. Templeton, "A First Course in Bulk Queues", 1983.

    >>> batches = greedy_batches(0.5, Overhead(1.0, 0.0), 1)  # M/D/1: 1 + ρ / (2 (1 - ρ))
    >>> round(batches.mean_response_s, 6), round(batches.utilisation, 6)
    (1.5, 0.5)
    """
    rate = check_number("arrival_rate_per_s", arrival_rate_per_s, 0, open_low=True)
    most = check_integer("max_batch", max_batch, 1)
    load = rate / most_per_s(line, most)
    check_stable(load)
    if load > MOST_LOAD:
        raise value_error(
            "arrival_rate_per_s",
            received=f"{rate:g}, {load:.4g} of what the server can do",
            expected=f"at most {MOST_LOAD} of it: above, the computation takes minutes",
            remedy="Allow larger batches, or take more servers.",
        )
    # Enough states for a negligible tail, which falls like M/D/1's in units of whole batches.
    states = int(np.ceil(most * (2.0 + 14.0 / (1.0 - load)))) + 50
    queue = np.arange(1, states + 1)
    taken = np.minimum(queue, most)
    times = line.time(taken)
    expected = rate * times[:most, None]
    come = np.arange(int(expected.max() + 12.0 * np.sqrt(expected.max())) + 20)
    arrivals = np.exp(come * np.log(expected) - expected - _log_factorials(len(come)))
    pi = np.zeros(states)
    pi[0], idle, change = 1.0, 0.0, 1.0
    while change > PRECISION:
        left = np.zeros(states + len(come))  # distribution of the queue at a run's end, from 0
        left[: len(come)] = pi[: most - 1] @ arrivals[:-1]
        here = np.convolve(pi[most - 1 :], arrivals[-1])
        left[: len(here)] += here
        idle = float(left[0])
        after = left[1 : states + 1]
        after[0] += idle
        after /= after.sum()
        change, pi = float(np.abs(after - pi).sum()), after
    inside = float(pi @ (queue * times + rate * times**2 / 2.0))
    running = float(pi @ times)
    cycle = running + idle / rate
    return Batches(
        mean_size=float(pi @ taken),
        utilisation=running / cycle,
        mean_response_s=inside / (rate * cycle),
    )


def filling(arrival_rate_per_s: float, batch: int, timeout_s: float) -> tuple[float, float]:
    """Return the mean size of batches that wait to fill up, and how long each request waits.

    A batch opens with its first request, and closes when b are there or the time-out τ is over.
    With N the number that arrive within τ, Poisson with mean λ τ, and p_j = P(N ≥ j + 1):

        size = 1 + Σ_{j=0}^{b-2} p_j
        wait = Σ_{j=0}^{b-2} (1 + j) p_j / (λ size);   without a time-out, (b - 1) / (2 λ)

    Args:
        arrival_rate_per_s: λ of a Poisson process, more than 0.
        batch: b, at least 1.
        timeout_s: τ, at least 0 (``batch_timeout_micros`` in seconds).

    Returns:
        Mean size, and mean wait in seconds, assuming that the server is free.

    Raises:
        ValueError: An argument is out of range.

    >>> size, wait_s = filling(100.0, 8, timeout_s=10.0)
    >>> round(size, 6), round(wait_s, 6)  # 7 / 200
    (8.0, 0.035)
    """
    rate = check_number("arrival_rate_per_s", arrival_rate_per_s, 0, open_low=True)
    expected = rate * check_number("timeout_s", timeout_s, 0)
    j = np.arange(check_integer("batch", batch, 1) - 1)
    # With a time-out of 0 none arrive: the logarithm of a tiny number stands in for that of 0.
    logs = j * np.log(max(expected, 1e-300)) - expected - _log_factorials(len(j))
    more = 1.0 - np.cumsum(np.exp(logs))
    more = np.maximum(more, 0.0)
    size = 1.0 + float(more.sum())
    return size, float(((1 + j) * more).sum()) / (rate * size)


def _log_factorials(count: int) -> NDArray[np.float64]:
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, max(count, 1))))])[:count]
