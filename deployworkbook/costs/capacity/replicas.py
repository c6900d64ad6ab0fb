"""How many replicas meet a latency objective, by the whole distribution of response times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.costs.capacity.result import (
    MOST_REPLICAS,
    QUEUES,
    Capacity,
    capacity_of,
    mean_and_shape,
)
from deployworkbook.formulas.erlang import erlang_c
from deployworkbook.formulas.late_share import is_beyond, late_share_of_waiting
from deployworkbook.formulas.service_shape import (
    ServiceShape,
    shape_of_variation,
)
from deployworkbook.validation import (
    check_array,
    check_choice,
    check_number,
    value_error,
)

Array = NDArray[np.float64]

# Tables are interpolated, and cut where this little is left.
ROUNDING = 1e-9


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

    The response time is that of M/G/c, by ``formulas.response``: Poisson arrivals, first come first
    served, and the whole distribution of service times. It shows, for example, that no number of
    replicas helps if 1.5 % of the services alone take too long. If only mean and variation are
    known, the distribution is assumed (``formulas.service_shape``). Adding a replica never
    lengthens the response, so bisection finds the fewest.

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
    mean, shape = mean_and_shape(service_time_s, service_scv)
    rate = check_number("arrival_rate_per_s", arrival_rate_per_s, 0, open_low=True)
    common: dict[str, Any] = {
        "percentile": percentile,
        "workers": workers,
        "overhead_s": overhead_s,
        "queue": queue,
    }
    found = replicas_for_all(
        rate,
        mean,
        latency_objective_s=latency_objective_s,
        shapes=[shape],
        headroom=headroom,
        **common,
    ).item()
    if not np.isfinite(found):
        alone = float(shape.longer_than(np.array((latency_objective_s - overhead_s) / mean)))
        raise value_error(
            "latency_objective_s",
            received=f"{latency_objective_s:g} s at percentile {percentile:g}, where the service "
            f"alone takes longer for {alone:.3g} of the requests (mean {mean:g} s, squared "
            f"variation {shape.scv:.3g}, overhead {overhead_s:g} s)",
            expected="more than the service takes, which more replicas can't shorten",
            remedy="Choose a faster runtime, variant or machine, or a longer objective.",
        )
    return capacity_of(int(found), rate, mean, shape=shape, **common)


def replicas_for_all(
    arrival_rate_per_s: ArrayLike,
    service_time_s: ArrayLike,
    *,
    latency_objective_s: ArrayLike,
    service_scv: ArrayLike = 1.0,
    shapes: Sequence[Any] | NDArray[np.object_] | None = None,
    percentile: float = 0.99,
    workers: ArrayLike = 1,
    headroom: float = 0.0,
    overhead_s: ArrayLike = 0.0,
    queue: str = "shared",
    least: ArrayLike = 1,
) -> Array:
    """Return ``replicas_for`` for many deployments at once; the arguments broadcast.

    Args:
        arrival_rate_per_s: Arrival rates, at least 0; without arrivals one replica is enough.
        service_time_s: Mean service times, more than 0.
        latency_objective_s: Response times that the percentile may not exceed, more than 0.
        service_scv: Squared coefficients of variation of the service times.
        shapes: Shapes of the service times; where ``None``, that of ``service_scv``.
        percentile: Percentile of the response time.
        workers: Numbers of requests that a replica serves at once.
        headroom: Share of extra arrivals to plan for.
        overhead_s: Times added to each response outside the queue.
        queue: ``shared`` or ``per replica``.
        least: Fewest replicas to consider.

    Returns:
        Whole numbers of at least ``least``, in the arguments' common shape; ``inf`` where no number
        of replicas meets the objective.

    Raises:
        TypeError: An argument is not numeric.
        ValueError: An argument is out of range, or more than ten million replicas are needed.

    >>> replicas_for_all([10.0, 100.0], 0.02, latency_objective_s=[0.1, 0.05]).tolist()
    [2.0, inf]
    """
    check_number("percentile", percentile, 0, 1, open_high=True)
    check_number("headroom", headroom, 0)
    is_shared = check_choice("queue", queue, QUEUES) == "shared"
    rate = check_array("arrival_rate_per_s", arrival_rate_per_s, low=0) * (1.0 + headroom)
    kinds, codes = _kinds(shapes, check_array("service_scv", service_scv, low=0))
    given = np.broadcast_arrays(
        rate,
        check_array("service_time_s", service_time_s, low=0, open_low=True),
        check_array("latency_objective_s", latency_objective_s, low=0, open_low=True)
        - check_array("overhead_s", overhead_s, low=0),
        np.floor(check_array("workers", workers, low=1)),
        codes,
        np.floor(check_array("least", least, low=1)),
    )
    shape = given[0].shape
    lam, s, objective, each, code, fewest = (
        np.asarray(array, np.float64).ravel() for array in given
    )
    allowed = 1.0 - percentile + ROUNDING

    alone = _late_alone(np.maximum(objective, 0.0) / s, kinds, code)
    place = code.astype(np.int64)
    residual = np.array([kind.residual_mean for kind in kinds])[place]
    slowest = np.array([kind.values[-1] for kind in kinds])[place]

    def holds(replicas: Array, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        servers = replicas * each[chosen] if is_shared else each[chosen]
        loads = lam[chosen] / (1.0 if is_shared else replicas) * s[chosen] / servers
        result = loads < 1.0
        times = objective[chosen] / s[chosen]
        # Where hardly a wait lasts that long, what is late is late alone, and that is allowed.
        loads = np.where(result, loads, 0.0)
        near = result & ~is_beyond(times, loads, servers, residual[chosen], slowest[chosen])
        if near.any():
            times, loads, servers = (array[near] for array in (times, loads, servers))
            kind = place[chosen][near]
            waiting = np.empty_like(times)
            for number in np.unique(kind).tolist():
                at = kind == number
                waiting[at] = late_share_of_waiting(
                    times[at], loads[at], servers[at], kinds[number]
                )
            delayed = erlang_c(servers, loads * servers)
            late = (1.0 - delayed) * alone[chosen][near] + delayed * waiting
            result[near] = late <= allowed
        return result

    possible = (alone <= allowed) & (objective > 0)
    # The work alone needs more than λ s / workers; from there, double the surplus until it's
    # enough.
    low = np.floor(lam * s / each)
    if low.max(initial=0.0) > MOST_REPLICAS:
        received, expected = f"work for {low.max():g} replicas", f"at most {MOST_REPLICAS}"
        raise value_error("arrival_rate_per_s", received=received, expected=expected)
    low = np.maximum(low, fewest - 1.0)
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


def late_alone(
    times: ArrayLike,
    *,
    service_scv: ArrayLike = 1.0,
    shapes: Sequence[Any] | NDArray[np.object_] | None = None,
) -> Array:
    """Return the share of services that take longer than a time, without any wait.

    Args:
        times: In mean service times, at least 0; the arguments broadcast.
        service_scv: Squared coefficients of variation of the service times.
        shapes: Shapes of the service times; where ``None``, that of ``service_scv``.

    >>> late_alone([0.5, 2.0], service_scv=0.0).tolist()
    [1.0, 0.0]
    """
    kinds, codes = _kinds(shapes, check_array("service_scv", service_scv, low=0))
    t, code = np.broadcast_arrays(check_array("times", times, low=0), codes)
    return _late_alone(t, kinds, code)


def _late_alone(times: Array, kinds: Sequence[ServiceShape], codes: Array) -> Array:
    alone = np.ones(times.shape)
    for number, kind in enumerate(kinds):
        at = codes == number
        alone[at] = kind.longer_than(times[at])
    return alone


def _kinds(
    shapes: Sequence[Any] | NDArray[np.object_] | None, scv: Array
) -> tuple[list[ServiceShape], NDArray[np.int64]]:
    """Number the different shapes; return them, and each case's number."""
    given = np.asarray(shapes, object)
    if all(each is None for each in given.flat):
        values, places = np.unique(scv, return_inverse=True)
        return [shape_of_variation(v) for v in values.tolist()], places.reshape(scv.shape)
    both = np.broadcast(given, scv)
    numbers: dict[int, int] = {}
    kinds: list[ServiceShape] = []
    codes = np.empty(both.shape, np.int64)
    for place, (shape, v) in enumerate(both):
        kind = shape_of_variation(float(v)) if shape is None else shape
        if id(kind) not in numbers:
            numbers[id(kind)] = len(kinds)
            kinds.append(kind)
        codes.flat[place] = numbers[id(kind)]
    return kinds, codes
