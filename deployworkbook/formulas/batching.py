"""Batches at a server: how many requests share a run at a given rate, and how long they wait."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.erlang import check_stable
from deployworkbook.formulas.overhead import Overhead
from deployworkbook.validation import check_integer, check_number, value_error

# The stationary distribution is iterated to this change; nearer to saturation that takes minutes.
PRECISION = 1e-12
MOST_LOAD = 0.98


@dataclass(frozen=True)
class Batches:
    """What a server of batches does at some rate.

    Args:
        mean_size: Requests that share a run, on average.
        utilisation: Share of time that it runs.
        mean_response_s: From a request's arrival to its batch's end, seconds.
    """

    mean_size: float
    utilisation: float
    mean_response_s: float


def most_per_s(line: Overhead, max_batch: int) -> float:
    """Return the throughput that no rate of arrivals may reach.

        b / t(b) = b / (α + β b),   b = max_batch

    Args:
        line: Time of a batch, seconds: α what a run costs, β what each request adds.
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
    """Return the batch that a rate keeps up: as many as come while one runs.

        b = λ t(b)   ⟹   b = λ α / (1 - λ β)

    A server that takes all that waits finds its batch by itself: more traffic, larger batches. It
    leaves chance aside: :func:`greedy_batches` does not.

    Args:
        arrival_rate_per_s: λ, at least 0.
        line: Time of a batch, seconds.

    Returns:
        At least 1: a single request is a batch.

    Raises:
        ValueError: λ β is 1 or more, which no batch keeps up with.

    >>> round(fluid_size(500.0, Overhead(0.004, 0.001)), 9)  # 500 · 0.004 / (1 - 0.5)
    4.0
    """
    rate = check_number("arrival_rate_per_s", arrival_rate_per_s, 0)
    check_stable(rate * line.per_image)
    return max(1.0, rate * line.fixed / (1.0 - rate * line.per_image))


def greedy_batches(arrival_rate_per_s: float, line: Overhead, max_batch: int) -> Batches:
    """Return what a server does that runs whatever waits, up to a most, as soon as it is free.

    At the start of each run q requests are there, of which b = min(q, max_batch) are taken. While
    they run, Poisson(λ t(b)) come:

        q' = max(1, q - b + Poisson(λ t(b))),   π its stationary distribution
        E[R] = Σ π(q) (q t(b) + λ t(b)² / 2) / (λ (Σ π(q) t(b) + P(idle) / λ))

    The numerator is the time that all requests spend inside during a run, the denominator how
    many come in a run and the idle time after it: Little's law. Exact, for one server.

    Args:
        arrival_rate_per_s: λ of a Poisson process, more than 0.
        line: Time of a batch, seconds.
        max_batch: At least 1; with 1 it is M/D/1.

    Raises:
        ValueError: An argument is out of range, or the rate reaches :func:`most_per_s`.

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
            expected=f"at most {MOST_LOAD} of it: beyond, no steady state comes in time",
            remedy="Allow larger batches, or take more servers.",
        )
    # Up to where the tail, which falls like M/D/1's in units of whole batches, is nothing.
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
        left = np.zeros(states + len(come))  # how many wait when the run ends, from none
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
    """Return how large batches get that wait for company, and how long each request does.

    A batch opens with its first request, and closes when b are there or its time is over. With N
    the number that come in the time τ, a Poisson number of mean λ τ, and p_j = P(N ≥ j + 1):

        size = 1 + Σ_{j=0}^{b-2} p_j
        wait = Σ_{j=0}^{b-2} (1 + j) p_j / (λ size);   without a limit of time, (b - 1) / (2 λ)

    Args:
        arrival_rate_per_s: λ of a Poisson process, more than 0.
        batch: b, at least 1.
        timeout_s: τ, at least 0 (``batch_timeout_micros`` in seconds).

    Returns:
        Mean size, and mean wait in seconds; a free server is taken for granted.

    Raises:
        ValueError: An argument is out of range.

    >>> size, wait_s = filling(100.0, 8, timeout_s=10.0)
    >>> round(size, 6), round(wait_s, 6)  # 7 / 200
    (8.0, 0.035)
    """
    rate = check_number("arrival_rate_per_s", arrival_rate_per_s, 0, open_low=True)
    expected = rate * check_number("timeout_s", timeout_s, 0)
    j = np.arange(check_integer("batch", batch, 1) - 1)
    # With no time, none come: the logarithm of a tiny number stands for that of 0.
    logs = j * np.log(max(expected, 1e-300)) - expected - _log_factorials(len(j))
    more = 1.0 - np.cumsum(np.exp(logs))
    more = np.maximum(more, 0.0)
    size = 1.0 + float(more.sum())
    return size, float(((1 + j) * more).sum()) / (rate * size)


def _log_factorials(count: int) -> NDArray[np.float64]:
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, max(count, 1))))])[:count]
