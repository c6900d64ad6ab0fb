"""Queues: the mean waiting time, from the arrival rate and the service time."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.erlang import (
    check_servers,
    check_stable,
    erlang_c,
    together,
)
from deployworkbook.validation import check_array, value_error

Array = NDArray[np.float64]


def utilisation(
    arrival_rate_per_s: ArrayLike, service_time_s: ArrayLike, servers: ArrayLike
) -> Array:
    """Return the share of time for which a server is busy.

        ρ = λ s / c

    Args:
        arrival_rate_per_s: λ, requests per second, at least 0.
        service_time_s: s, mean time for which a request occupies a server, at least 0.
        servers: c, number of servers, whole numbers of at least 1.

    Returns:
        ρ in the arguments' common shape. At 1 or more, the queue grows without bound.

    Raises:
        ValueError: An argument is out of range, or the shapes do not match.

    >>> float(utilisation(120.0, 0.020, 4))  # 120 · 0.020 / 4
    0.6
    """
    rate, time, count = _queue(arrival_rate_per_s, service_time_s, servers)
    return np.asarray(rate * time / count)


def mean_wait_s(
    arrival_rate_per_s: ArrayLike,
    service_time_s: ArrayLike,
    servers: ArrayLike,
    *,
    service_scv: ArrayLike = 1.0,
) -> Array:
    """Return the mean time in the queue, by Allen and Cunneen's approximation for M/G/c.

        E[W] ≈ C(c, a) s / (c (1 - ρ)) · (1 + v) / 2

    It is exact for exponential service (v = 1, M/M/c) and for one server (Pollaczek–Khinchine).

    Args:
        arrival_rate_per_s: λ of a Poisson process, requests per second, at least 0.
        service_time_s: s, mean, at least 0.
        servers: c, whole numbers of at least 1.
        service_scv: v, squared coefficient of variation of the service times, (deviation / mean)²,
            at least 0: 0 if all are equal, 1 for the exponential distribution.

    Returns:
        Seconds, in the arguments' common shape.

    Raises:
        ValueError: An argument is out of range, or the utilisation is not less than 1.

    Source: A. O. Allen, "Probability, Statistics, and Queueing Theory", 2nd ed., 1990, 5.3.6;
    exactness and errors: T. Kimura, "Approximations for multi-server queues", Queueing Systems 17,
    1994.

    >>> float(mean_wait_s(0.5, 1.0, 1))  # M/M/1: ρ s / (1 - ρ)
    1.0
    """
    rate, time, count = _queue(arrival_rate_per_s, service_time_s, servers)
    delayed = erlang_c(count, rate * time)
    return np.asarray(delayed * mean_conditional_wait_s(rate, time, count, service_scv=service_scv))


def mean_conditional_wait_s(
    arrival_rate_per_s: ArrayLike,
    service_time_s: ArrayLike,
    servers: ArrayLike,
    *,
    service_scv: ArrayLike = 1.0,
) -> Array:
    """Return the mean time in the queue of the requests that have to wait.

        E[W | W > 0] ≈ s / (c (1 - ρ)) · (1 + v) / 2

    Args:
        arrival_rate_per_s: λ, as in ``mean_wait_s``.
        service_time_s: s, seconds.
        servers: c.
        service_scv: v.

    Returns:
        Seconds, in the arguments' common shape.

    Raises:
        ValueError: An argument is out of range, or the utilisation is not less than 1.

    >>> float(mean_conditional_wait_s(3.0, 1.0, 4))  # 1 / (4 - 3)
    1.0
    """
    rate, time, count = _queue(arrival_rate_per_s, service_time_s, servers)
    scv = check_array("service_scv", service_scv, low=0)
    rho = rate * time / count
    check_stable(rho)
    return np.asarray(time / (count * (1.0 - rho)) * (1.0 + scv) / 2.0)


def pollaczek_khinchine_s(
    arrival_rate_per_s: ArrayLike, service_time_s: ArrayLike, *, service_scv: ArrayLike
) -> Array:
    """Return the exact mean time in the queue of one server (M/G/1).

        E[W] = ρ s (1 + v) / (2 (1 - ρ)) = λ E[S²] / (2 (1 - ρ))

    Args:
        arrival_rate_per_s: λ of a Poisson process, requests per second, at least 0.
        service_time_s: s, mean, at least 0.
        service_scv: v, squared coefficient of variation of the service times, at least 0.

    Returns:
        Seconds, in the arguments' common shape.

    Raises:
        ValueError: An argument is out of range, or the utilisation is not less than 1.

    Source: F. Pollaczek, 1930; A. Khinchine, 1932.

    >>> float(pollaczek_khinchine_s(0.5, 1.0, service_scv=0.0))  # half of M/M/1's
    0.5
    """
    rate, time, _ = _queue(arrival_rate_per_s, service_time_s, 1)
    scv = check_array("service_scv", service_scv, low=0)
    rho = rate * time
    check_stable(rho)
    return np.asarray(rho * time * (1.0 + scv) / (2.0 * (1.0 - rho)))


def check_times(name: str, times_s: ArrayLike) -> Array:
    """Return measured times as float64, shape ``[n]``, if all are positive.

    Args:
        name: What the error calls them.
        times_s: In seconds, shape ``[n]``.

    Raises:
        ValueError: There are no times, or one is not positive.

    >>> check_times("times_s", [0.5]).shape
    (1,)
    """
    times = check_array(name, times_s, ndim=1)
    if times.min() <= 0:
        raise value_error(name, received=f"{times.min():g} s", expected="positive times")
    return times


def _queue(rate: ArrayLike, time: ArrayLike, servers: ArrayLike) -> tuple[Array, Array, Array]:
    first = check_array("arrival_rate_per_s", rate, low=0)
    first, second = together(first, check_array("service_time_s", time, low=0), "service_time_s")
    count = check_servers(servers)
    count, first = together(count, first, "arrival_rate_per_s")
    return first, second, count
