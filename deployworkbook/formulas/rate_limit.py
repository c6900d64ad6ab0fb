"""Token bucket: how a server limits the requests of each client, and what that costs a thief.

A bucket holds up to b requests and fills at r requests per second. A request that finds one in it
is answered; any other is refused. So a client that has paused may send b at once, but never more
than b + r t in any t seconds. Somebody who copies a model by asking it (model extraction) needs
thousands of answers, and the bucket sets the time that takes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array, check_number, describe, value_error

Array = NDArray[np.float64]


def admitted(arrivals_s: ArrayLike, *, rate_per_s: float, burst: float) -> NDArray[np.bool_]:
    """Return which requests of one client a token bucket admits.

        level ← min(b, level + r Δt);    if level ≥ 1: admit, level ← level − 1

    Args:
        arrivals_s: Times of the requests in seconds, in ascending order; shape ``[n]``.
        rate_per_s: r, how fast the bucket fills, in requests per second; more than 0.
        burst: b, how many requests the full bucket holds, at least 1; it is full at first.

    Returns:
        Whether each request is admitted, shape ``[n]``.

    Raises:
        ValueError: The times descend or aren't one axis, or a parameter is out of range.

    Source: J. Turner, "New directions in communications (or which way to the information age?)",
    IEEE Communications Magazine 24(10), 1986.

    >>> admitted([0, 0, 0, 0.5], rate_per_s=2, burst=2)
    array([ True,  True, False,  True])
    """
    times = check_array("arrivals_s", arrivals_s)
    if times.ndim != 1 or (np.diff(times) < 0).any():
        raise value_error(
            "arrivals_s", received=describe(times), expected="times in ascending order, shape [n]"
        )
    _check(rate_per_s, burst)
    level, last = float(burst), float(times[0]) if len(times) else 0.0
    result = np.zeros(len(times), bool)
    for index, now in enumerate(times):
        level = min(burst, level + rate_per_s * (now - last))
        last = now
        if level >= 1 - 1e-9:  # a client that waits 1/r isn't refused for a rounding error
            level -= 1
            result[index] = True
    return result


def shortest_time_s(requests: ArrayLike, *, rate_per_s: float, burst: float) -> Array:
    """Return how long a client needs at least for so many admitted requests.

        t = max(0, n − b) / r

    Args:
        requests: n, how many, at least 0; any shape.
        rate_per_s: r, how fast the bucket fills, in requests per second; more than 0.
        burst: b, how many requests the full bucket holds, at least 1.

    Returns:
        Seconds from the first request to the last, in the shape of ``requests``.

    Raises:
        ValueError: A number is out of range.

    10,000 answers, as an extraction may need, at one per second:

    >>> float(shortest_time_s(10_000, rate_per_s=1, burst=10)) / 3600
    2.775
    """
    counts = check_array("requests", requests)
    if (counts < 0).any():
        raise value_error("requests", received=describe(counts), expected="at least 0")
    _check(rate_per_s, burst)
    return np.maximum(0.0, counts - burst) / rate_per_s


def most_admitted(seconds: ArrayLike, *, rate_per_s: float, burst: float) -> Array:
    """Return how many requests of one client can be admitted in a time.

        n = ⌊b + r t⌋

    Args:
        seconds: t, how long, at least 0; any shape.
        rate_per_s: r, how fast the bucket fills, in requests per second; more than 0.
        burst: b, how many requests the full bucket holds, at least 1.

    Returns:
        Whole numbers of requests, in the shape of ``seconds``.

    Raises:
        ValueError: A number is out of range.

    >>> float(most_admitted(60, rate_per_s=0.5, burst=10))
    40.0
    """
    times = check_array("seconds", seconds)
    if (times < 0).any():
        raise value_error("seconds", received=describe(times), expected="at least 0")
    _check(rate_per_s, burst)
    return np.floor(burst + rate_per_s * times + 1e-9)


def _check(rate_per_s: float, burst: float) -> None:
    check_number("rate_per_s", rate_per_s, 0, open_low=True)
    check_number("burst", burst, 1)
