"""Distribution and percentiles of response times."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.erlang import check_stable, erlang_c
from deployworkbook.formulas.queueing import mean_conditional_wait_s, utilisation
from deployworkbook.validation import check_number, value_error

Array = NDArray[np.float64]

# Each bisection gains a bit, and float64 has 53; the initial bound may be a few bits too wide.
HALVINGS = 64


def response_survival(
    time_s: ArrayLike,
    delayed: ArrayLike,
    wait_s: ArrayLike,
    *,
    service_time_s: ArrayLike,
    service_scv: ArrayLike,
) -> Array:
    """Return the share of requests that take longer than a time, waiting and service together.

        P(R > t) = Σ_i q_i ((1 - C) e^(-x/m_i) + C (w e^(-x/w) - m_i e^(-x/m_i)) / (w - m_i))

    with x = max(t - d, 0), w the mean wait of the requests that wait, and a service time of mean s
    and squared variation v. For v ≤ 1 that is a fixed part plus an exponential one,

        d = s (1 - √v),   m_1 = s √v,   q_1 = 1

    and for v > 1 one of two exponential times, each with half of the total work (d = 0):

        q_1,2 = (1 ± √((v - 1)/(v + 1))) / 2,   m_i = s / (2 q_i).

    Exact for M/M/c (v = 1); else an approximation by two moments. The arguments are not checked.

    Args:
        time_s: t, at least 0.
        delayed: C, share of requests that wait, as ``erlang.erlang_c`` gives it.
        wait_s: w, their mean wait, as ``queueing.mean_conditional_wait_s`` gives it.
        service_time_s: s, seconds.
        service_scv: v, squared coefficient of variation of the service times.

    Returns:
        From 0 to 1, in the arguments' common shape.

    Source: M/M/c: D. Gross and C. Harris, "Fundamentals of Queueing Theory", 3rd ed., 1998, 2.3;
    the wait: J. Abate, G. Choudhury and W. Whitt, "Exponential approximations for tail
    probabilities in queues, I: waiting times", Operations Research 43, 1995; two exponentials with
    balanced means: H. Tijms, "A First Course in Stochastic Models", 2003, appendix B.

    >>> survival = response_survival(4.0, 0.5, 2.0, service_time_s=1.0, service_scv=1.0)
    >>> round(float(survival), 4)  # M/M/1 with ρ = 0.5: e^(-(1 - ρ) t / s) = e^-2
    0.1353
    """
    t, c, w, s, v = np.broadcast_arrays(
        *(np.asarray(x, np.float64) for x in (time_s, delayed, wait_s, service_time_s, service_scv))
    )
    few = v <= 1.0
    fixed = np.where(few, s * (1.0 - np.sqrt(np.minimum(v, 1.0))), 0.0)
    lean = np.where(few, 0.0, np.sqrt(np.maximum(v - 1.0, 0.0) / (v + 1.0)))
    x = np.maximum(t - fixed, 0.0)
    total = np.zeros(np.shape(t))
    # If no variation exceeds 1, a single exponential time has all of the work.
    shares = [np.ones(())] if few.all() else [(1.0 + lean) / 2.0, (1.0 - lean) / 2.0]
    for share in shares:
        mean = np.where(few, s - fixed, s / (2.0 * share))
        total += share * (
            (1.0 - c) * _exponential(x, mean) + c * _sum_of_two_exponentials(x, mean, w)
        )
    return np.asarray(np.where(t < fixed, 1.0, total))


def response_percentile_s(
    percentile: ArrayLike,
    arrival_rate_per_s: ArrayLike,
    service_time_s: ArrayLike,
    servers: ArrayLike,
    *,
    service_scv: ArrayLike = 1.0,
) -> Array:
    """Return the response time that a share of requests does not exceed, by bisection.

        P(R > t_p) = 1 - p

    Args:
        percentile: p, such as 0.99, from 0 to less than 1.
        arrival_rate_per_s: λ of a Poisson process, requests per second, at least 0.
        service_time_s: s, mean, more than 0.
        servers: c, whole numbers of at least 1.
        service_scv: v, squared coefficient of variation of the service times, at least 0.

    Returns:
        Seconds, in the arguments' common shape.

    Raises:
        ValueError: An argument is out of range, or the utilisation is not less than 1.

    >>> round(float(response_percentile_s(0.99, 0.5, 1.0, 1)), 3)  # M/M/1: 2 ln 100
    9.21
    """
    p = _percentile(percentile)
    delayed, wait = _delay(arrival_rate_per_s, service_time_s, servers, service_scv)
    s = np.asarray(service_time_s, np.float64)
    shape = np.broadcast_shapes(p.shape, delayed.shape, wait.shape)
    low = np.zeros(shape)
    # Markov's inequality, P(R > t) ≤ E[R] / t, is an upper bound.
    bound = (s + delayed * wait) / (1.0 - p)
    high = np.broadcast_to(bound * (1.0 + 1e-9), shape)
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        late = response_survival(middle, delayed, wait, service_time_s=s, service_scv=service_scv)
        low, high = np.where(late > 1.0 - p, middle, low), np.where(late > 1.0 - p, high, middle)
    return np.asarray(high)


def _delay(
    rate: ArrayLike, time: ArrayLike, servers: ArrayLike, scv: ArrayLike
) -> tuple[Array, Array]:
    """Return the share of requests that wait, and their mean wait."""
    if np.min(time) <= 0:
        raise value_error("service_time_s", received=f"{np.min(time):g}", expected="more than 0")
    rho = utilisation(rate, time, servers)
    check_stable(rho)
    load = rho * np.asarray(servers, np.float64)
    wait = mean_conditional_wait_s(rate, time, servers, service_scv=scv)
    return erlang_c(servers, load), wait


def _percentile(value: ArrayLike) -> Array:
    array = np.asarray(value)
    for each in array.flat:
        check_number("percentile", each, 0, 1, open_high=True)
    return array.astype(np.float64)


def _exponential(x: Array, mean: Array) -> Array:
    """Return P(X > x); with a mean of 0, X is always 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(mean > 0, np.exp(-x / mean), 0.0)


def _sum_of_two_exponentials(x: Array, first: Array, second: Array) -> Array:
    """Return P(X + Y > x) of independent exponential times, stable for nearly equal means."""
    a, b = np.maximum(first, second), np.minimum(first, second)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        # (a e^(-x/a) - b e^(-x/b)) / (a - b) = e^(-x/a) (1 + x/a · (e^δ - 1)/δ), δ = x/a - x/b ≤ 0
        delta = np.where(b > 0, x / a - x / b, -np.inf)
        ratio = np.where(delta == 0, 1.0, np.expm1(delta) / delta)
        return np.where(a > 0, np.exp(-x / a) * (1.0 + x / a * ratio), 0.0)
