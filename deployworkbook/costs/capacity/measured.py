"""How many replicas meet an objective, from the distribution of measured service times."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from deployworkbook.costs.capacity.result import MOST_REPLICAS, QUEUES, Capacity
from deployworkbook.formulas.erlang import erlang_c
from deployworkbook.formulas.queueing import check_times, utilisation
from deployworkbook.formulas.response import BEYOND, ResponseTimes, response_times
from deployworkbook.validation import check_choice, check_integer, check_number, value_error


def replicas_for_times(
    arrival_rate_per_s: float,
    service_times_s: ArrayLike,
    *,
    latency_objective_s: float,
    percentile: float = 0.99,
    workers: int = 1,
    headroom: float = 0.0,
    overhead_s: float = 0.0,
    queue: str = "shared",
) -> Capacity:
    """Return the fewest replicas that meet an objective, by ``formulas.response``.

    Arguments and errors are those of ``replicas_for``; the service times are measured ones, shape
    ``[n]``, positive.

    >>> replicas_for_times(100.0, [0.02], latency_objective_s=0.03).replicas
    5
    """
    rate = check_number("arrival_rate_per_s", arrival_rate_per_s, 0, open_low=True)
    times = check_times("service_time_s", service_times_s)
    check_number("latency_objective_s", latency_objective_s, 0, open_low=True)
    check_number("percentile", percentile, 0, 1, open_high=True)
    check_integer("workers", workers, 1)
    peak = rate * (1.0 + check_number("headroom", headroom, 0))
    objective = latency_objective_s - check_number("overhead_s", overhead_s, 0)
    is_shared = check_choice("queue", queue, QUEUES) == "shared"
    late = float((times > objective).mean())
    # The transforms are exact to some 10⁻¹², and the distribution's end is cut at BEYOND.
    allowed = 1.0 - percentile + BEYOND
    work = peak * float(times.mean()) / workers
    if late > allowed:
        raise value_error(
            "latency_objective_s",
            received=f"{latency_objective_s:g} s at percentile {percentile:g}, where "
            f"the service alone takes longer for {late:.3g} of the requests",
            expected="more than the service takes, which more replicas can't shorten",
            remedy="Choose a faster runtime, variant or machine, or a longer objective.",
        )
    if work > MOST_REPLICAS:
        received, expected = f"work for {work:g} replicas", f"at most {MOST_REPLICAS}"
        raise value_error("arrival_rate_per_s", received=received, expected=expected)

    def responses(replicas: int, arrivals: float) -> ResponseTimes | None:
        servers = replicas * workers if is_shared else workers
        each = arrivals if is_shared else arrivals / replicas
        if float(utilisation(each, times.mean(), servers)) >= 1.0:
            return None
        return response_times(each, times, servers)

    def holds(replicas: int) -> bool:
        found = responses(replicas, peak)
        # A response time equal to the objective is not late; on the grid it extends half a step
        # beyond.
        return found is not None and found.late_share(objective + found.step_s) <= allowed

    low, high = int(np.floor(work)), int(np.floor(work)) + 1
    surplus = 1
    while not holds(high):
        low, high, surplus = high, high + surplus, 2 * surplus
        if high > 64 * MOST_REPLICAS:
            received = f"{latency_objective_s:g} s at percentile {percentile:g}"
            expected = "an objective that some number of replicas can meet"
            raise value_error("latency_objective_s", received=received, expected=expected)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    servers = high * workers if is_shared else workers
    each = rate if is_shared else rate / high
    found = response_times(each, times, servers)
    return Capacity(
        replicas=high,
        utilisation=float(utilisation(each, times.mean(), servers)),
        delayed_share=float(erlang_c(servers, each * times.mean())),
        mean_s=found.mean_s + overhead_s,
        percentile=percentile,
        response_s=found.percentile_s(max(percentile, BEYOND)) + overhead_s,
    )
