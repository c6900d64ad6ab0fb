"""How many replicas meet a latency objective, from measured service times."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.costs.capacity.measured import replicas_for_times
from deployworkbook.costs.capacity.result import MOST_REPLICAS, QUEUES, Capacity
from deployworkbook.formulas.erlang import erlang_c
from deployworkbook.formulas.queueing import mean_conditional_wait_s, mean_wait_s, utilisation
from deployworkbook.formulas.waiting import response_percentile_s, response_survival
from deployworkbook.validation import (
    check_array,
    check_choice,
    check_integer,
    check_number,
    value_error,
)

Array = NDArray[np.float64]


def replicas_for(
    arrival_rate_per_s: float,
    service_time_s: float | ArrayLike,
    *,
    latency_objective_s: float,
    service_scv: float | None = None,
    percentile: float = 0.99,
    workers: int = 1,
    headroom: float = 0.0,
    overhead_s: float = 0.0,
    queue: str = "shared",
) -> Capacity:
    """Return the fewest replicas whose response time meets an objective.

    The response time is that of M/G/c: Poisson arrivals, first come first served. If measured times
    are given, their whole distribution is used (``formulas.response``): two moments could not show
    that 1.5 % of the requests are late with any number of replicas. If only mean and variation are
    known, the two-moment formula is used (``formulas.waiting``). Adding a replica never lengthens
    the response, so bisection finds the fewest.

    Args:
        arrival_rate_per_s: Arrival rate at the busiest time, not on average; more than 0.
        service_time_s: Mean time for which a request occupies a worker; or measured times, shape
            ``[n]``, whose whole distribution is then used.
        latency_objective_s: Response time that the percentile may not exceed.
        service_scv: Squared coefficient of variation of the service times, if their mean is given;
            by default 1, as for the exponential distribution.
        percentile: Percentile of the response time, from 0 to less than 1.
        workers: Number of requests that a replica serves at once.
        headroom: Share of extra arrivals to plan for: 0.25 for a quarter more.
        overhead_s: Time that network and codec add to each response, outside the queue.
        queue: ``shared``: any free worker takes the first waiting request. ``per replica``: a load
            balancer assigns each request to a random replica, where it waits.

    Returns:
        The number of replicas, and their performance at the arrival rate without headroom.

    Raises:
        TypeError: An argument is no number.
        ValueError: An argument is out of range, or no number of replicas can meet the objective,
            because the service alone takes longer.

    >>> replicas_for(100.0, 0.02, latency_objective_s=0.1).replicas
    4
    >>> replicas_for(100.0, 0.02, latency_objective_s=0.1, queue="per replica").replicas
    26
    """
    common: dict[str, Any] = {
        "percentile": percentile,
        "workers": workers,
        "overhead_s": overhead_s,
        "queue": queue,
    }
    if np.ndim(service_time_s):
        if service_scv is not None:
            raise value_error(
                "service_scv",
                received="a value, with measured service times",
                expected="none: measured times have their own variation",
            )
        return replicas_for_times(
            arrival_rate_per_s,
            service_time_s,
            latency_objective_s=latency_objective_s,
            headroom=headroom,
            **common,
        )
    mean = check_number("service_time_s", service_time_s, 0, open_low=True)
    scv = check_number("service_scv", 1.0 if service_scv is None else service_scv, 0)
    rate = check_number("arrival_rate_per_s", arrival_rate_per_s, 0, open_low=True)
    found = replicas_for_all(
        rate,
        mean,
        latency_objective_s=latency_objective_s,
        service_scv=scv,
        headroom=headroom,
        **common,
    )
    if not np.isfinite(found):
        raise value_error(
            "latency_objective_s",
            received=f"{latency_objective_s:g} s at percentile {percentile:g}",
            expected="more than the service takes, which more replicas can't shorten "
            f"(mean {mean:g} s, squared variation {scv:g}, overhead {overhead_s:g} s)",
            remedy="Choose a faster runtime, variant or machine, or a longer objective.",
        )
    return capacity_of(int(found), rate, mean, service_scv=scv, **common)


def replicas_for_all(
    arrival_rate_per_s: ArrayLike,
    service_time_s: ArrayLike,
    *,
    latency_objective_s: ArrayLike,
    service_scv: ArrayLike = 1.0,
    percentile: float = 0.99,
    workers: ArrayLike = 1,
    headroom: float = 0.0,
    overhead_s: ArrayLike = 0.0,
    queue: str = "shared",
) -> Array:
    """Return ``replicas_for`` for many deployments at once; the arguments broadcast.

    Args:
        arrival_rate_per_s: Arrival rates, at least 0; without arrivals one replica is enough.
        service_time_s: Mean service times, more than 0.
        latency_objective_s: Response times that the percentile may not exceed, more than 0.
        service_scv: Squared coefficients of variation of the service times.
        percentile: Percentile of the response time.
        workers: Numbers of requests that a replica serves at once.
        headroom: Share of extra arrivals to plan for.
        overhead_s: Times added to each response outside the queue.
        queue: ``shared`` or ``per replica``.

    Returns:
        Whole numbers of at least 1, in the arguments' common shape; ``inf`` where no number of
        replicas meets the objective.

    Raises:
        TypeError: An argument is not numeric.
        ValueError: An argument is out of range, or more than ten million replicas are needed.

    >>> replicas_for_all([10.0, 100.0], 0.02, latency_objective_s=[0.1, 0.05]).tolist()
    [2.0, inf]
    """
    check_number("percentile", percentile, 0, 1, open_high=True)
    check_number("headroom", headroom, 0)
    check_choice("queue", queue, QUEUES)
    rate = _at_least("arrival_rate_per_s", arrival_rate_per_s, 0.0) * (1.0 + headroom)
    given = np.broadcast_arrays(
        rate,
        _at_least("service_time_s", service_time_s, 0.0, open_low=True),
        _at_least("latency_objective_s", latency_objective_s, 0.0, open_low=True)
        - _at_least("overhead_s", overhead_s, 0.0),
        _at_least("service_scv", service_scv, 0.0),
        _at_least("workers", np.floor(check_array("workers", workers)), 1.0),
    )
    shape = given[0].shape
    cases = np.stack([array.ravel() for array in given]).astype(np.float64)

    def holds(replicas: Array, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return _holds(replicas, cases[:, chosen], percentile, queue)

    lam, s, objective, scv, each = cases
    alone = response_survival(
        np.maximum(objective, 0.0), 0.0, 1.0, service_time_s=s, service_scv=scv
    )
    possible = (alone <= 1.0 - percentile) & (objective > 0)
    # The work alone needs more than λ s / workers; from there, double the surplus until it's
    # enough.
    low = np.floor(lam * s / each)
    if low.max() > MOST_REPLICAS:
        received, expected = f"work for {low.max():g} replicas", f"at most {MOST_REPLICAS}"
        raise value_error("arrival_rate_per_s", received=received, expected=expected)
    high, surplus = low + 1.0, np.ones_like(low)
    open_ = possible.copy()
    while open_.any():
        open_[open_] = ~holds(high[open_], open_)
        low = np.where(open_, high, low)
        surplus = np.where(open_, 2.0 * surplus, surplus)
        high = np.where(open_, high + surplus, high)
        # If the service alone comes this close to the objective, no number of replicas meets it.
        possible &= high <= 64.0 * MOST_REPLICAS
        open_ &= possible
    while (gap := possible & (high - low > 1)).any():
        middle = np.floor((low + high) / 2.0)
        good = np.zeros_like(gap)
        good[gap] = holds(middle[gap], gap)
        high, low = np.where(gap & good, middle, high), np.where(gap & ~good, middle, low)
    return np.where(possible, high, np.inf).reshape(shape)


def capacity_of(
    replicas: int,
    arrival_rate_per_s: float,
    service_time_s: float,
    *,
    service_scv: float = 1.0,
    percentile: float = 0.99,
    workers: int = 1,
    overhead_s: float = 0.0,
    queue: str = "shared",
) -> Capacity:
    """Return the performance of a number of replicas at an arrival rate.

    Args:
        replicas: Number of replicas, at least 1.
        arrival_rate_per_s: Arrival rate, at least 0.
        service_time_s: Mean service time, more than 0.
        service_scv: Squared coefficient of variation of the service times.
        percentile: Percentile of the response time.
        workers: Number of requests that a replica serves at once.
        overhead_s: Time added to each response outside the queue.
        queue: ``shared`` or ``per replica``.

    Raises:
        TypeError: An argument is no number.
        ValueError: An argument is out of range, or the work is more than the replicas can do.

    >>> one = capacity_of(1, 25.0, 0.02)
    >>> round(one.utilisation, 2), round(one.mean_s, 3)
    (0.5, 0.04)
    """
    check_integer("replicas", replicas, 1)
    check_integer("workers", workers, 1)
    check_number("percentile", percentile, 0, 1, open_high=True)
    overhead = check_number("overhead_s", overhead_s, 0)
    shared = check_choice("queue", queue, QUEUES) == "shared"
    servers = replicas * workers if shared else workers
    rate = check_number("arrival_rate_per_s", arrival_rate_per_s, 0) / (1 if shared else replicas)
    time = check_number("service_time_s", service_time_s, 0, open_low=True)
    rho = float(utilisation(rate, time, servers))
    wait = float(mean_wait_s(rate, time, servers, service_scv=service_scv))
    response = response_percentile_s(percentile, rate, time, servers, service_scv=service_scv)
    return Capacity(
        replicas=replicas,
        utilisation=rho,
        delayed_share=float(erlang_c(servers, rate * time)),
        mean_s=wait + time + overhead,
        percentile=percentile,
        response_s=float(response) + overhead,
    )


def _holds(replicas: Array, cases: Array, percentile: float, queue: str) -> NDArray[np.bool_]:
    """Return whether each case's share of late requests is within what the percentile allows."""
    rate, s, objective, scv, each = cases
    servers = replicas * each if queue == "shared" else each
    rate = rate if queue == "shared" else rate / replicas
    stable = rate * s < servers
    # An overloaded queue has no steady state; compute with a load of 0, and ignore the result.
    rate = np.where(stable, rate, 0.0)
    wait = mean_conditional_wait_s(rate, s, servers, service_scv=scv)
    delayed = erlang_c(servers, rate * s)
    late = response_survival(objective, delayed, wait, service_time_s=s, service_scv=scv)
    return np.asarray(stable & (late <= 1.0 - percentile))


def _at_least(name: str, value: ArrayLike, low: float, *, open_low: bool = False) -> Array:
    array = check_array(name, value)
    if (array <= low if open_low else array < low).any():
        expected = f"more than {low:g}" if open_low else f"at least {low:g}"
        raise value_error(name, received=f"{array.min():g}", expected=expected)
    return array
