"""A queue replayed request by request: how long each waits, from arrivals and service times."""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array, check_integer, check_same_shape, value_error

Array = NDArray[np.float64]


def replayed_waits_s(
    arrivals_s: ArrayLike,
    services_s: ArrayLike,
    *,
    servers: int = 1,
    first_services_s: ArrayLike | None = None,
) -> Array:
    """Return how long each request waits if a queue serves them in the order of their arrival.

        W(1) = 0,   W(n + 1) = max(0, W(n) + S(n) - (A(n + 1) - A(n)))

    for one server (Lindley's recursion); with several, each request goes to the server that is
    free first.

    Args:
        arrivals_s: A, times of arrival, ascending, shape ``[n]``.
        services_s: S, time for which each request occupies a server, at least 0, shape ``[n]``.
        servers: Number of servers.
        first_services_s: The time for which each request would occupy a server that it finds idle,
            shape ``[n]``. An idle server may have to wake up first, so this can be longer. By
            default it is ``services_s``.

    Returns:
        Seconds, shape ``[n]``.

    Raises:
        TypeError: An argument is not numeric.
        ValueError: The shapes differ, arrivals go back, or a service time is negative.

    Source: D. V. Lindley, "The theory of queues with a single server", Mathematical Proceedings of
    the Cambridge Philosophical Society 48, 1952. Exceptional first services: P. D. Welch, "On a
    generalized M/G/1 queuing process in which the first customer of each busy period receives
    exceptional service", Operations Research 12, 1964.

    >>> replayed_waits_s([0.0, 1.0, 10.0], [4.0, 3.0, 2.0])
    array([0., 3., 0.])
    >>> replayed_waits_s([0.0, 1.0, 10.0], [4.0, 3.0, 2.0], first_services_s=[6.0, 6.0, 6.0])
    array([0., 5., 0.])
    """
    arrivals = check_array("arrivals_s", arrivals_s, ndim=1)
    services = check_array("services_s", services_s, ndim=1, low=0)
    check_same_shape("arrivals_s", arrivals, "services_s", services)
    if (np.diff(arrivals) < 0).any():
        raise value_error("arrivals_s", received="times that go back", expected="ascending times")
    if first_services_s is None:
        firsts = services
    else:
        firsts = check_array("first_services_s", first_services_s, ndim=1, low=0)
        check_same_shape("arrivals_s", arrivals, "first_services_s", firsts)
    if check_integer("servers", servers, 1) == 1 and first_services_s is None:
        # Unrolled, the recursion is a running sum minus its lowest value so far.
        steps = np.concatenate([[0.0], np.cumsum(services[:-1] - np.diff(arrivals))])
        return np.asarray(steps - np.minimum.accumulate(steps))
    free_at, waits = [-np.inf] * servers, []
    for came, takes, first in zip(
        *map(np.ndarray.tolist, (arrivals, services, firsts)), strict=True
    ):
        start = max(came, free_at[0])
        heapq.heapreplace(free_at, start + (takes if start > came else first))
        waits.append(start - came)
    return np.array(waits)


def lag_one_correlation(times_s: ArrayLike) -> float:
    """Return the correlation of each service time with the next.

        r = Σ (S(n) - m)(S(n + 1) - m) / Σ (S(n) - m)²

    Near 0 for independent times. Where slow requests come in runs it is higher, and queues grow
    longer than any formula for independent times says.

    Args:
        times_s: Service times in their order, shape ``[n]``.

    Returns:
        From -1 to 1; 0 if all times are equal.

    >>> round(lag_one_correlation([1.0, 1.0, 1.0, 5.0, 5.0, 5.0]), 2)
    0.5
    """
    deviations = check_array("times_s", times_s, ndim=1)
    deviations = deviations - deviations.mean()
    total = float(deviations @ deviations)
    return float(deviations[:-1] @ deviations[1:]) / total if total > 0 else 0.0
