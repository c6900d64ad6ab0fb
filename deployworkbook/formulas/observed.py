"""Service times of a running server, inferred from the times of requests and responses alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array, check_same_shape, value_error

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Observed:
    """Service and response times that a load test reveals about a single server.

    Args:
        service_s: Service times of requests that had to wait, in their order, shape ``[n]``.
        unloaded_s: Response times of requests that found the server free, shape ``[m]``: service
            time, and the network both ways.
        periods: Number of the busy period of each service time, ascending, shape ``[n]``.
    """

    service_s: Array
    unloaded_s: Array
    periods: NDArray[np.int64]


def observe_server(sent_s: ArrayLike, done_s: ArrayLike) -> Observed:
    """Separate service times from waiting times, for one server that takes requests in order.

        sent before the previous answer: service = answer - previous answer
        sent after it:                   response = answer - sent

    The first line is Lindley's recursion, solved for the service time; in the second the request
    has not waited. A request sent while the previous answer was already on its way back counts as
    neither, because it may have found the server free. That network time is estimated as the
    difference of the two kinds' medians. A request's kind does not depend on its own service time,
    so both are fair samples.

    Args:
        sent_s: Times at which requests were sent, in any order, shape ``[requests]``.
        done_s: Times at which their answers arrived, the same shape, not before they were sent.

    Raises:
        TypeError: An argument is not numeric.
        ValueError: The shapes differ, an answer came before its request, or all or none of the
            requests waited.

    Source: D. V. Lindley, "The theory of queues with a single server", Mathematical Proceedings of
    the Cambridge Philosophical Society 48, 1952.

    >>> seen = observe_server([0.0, 1.0, 10.0], [4.0, 7.0, 12.0])
    >>> seen.service_s, seen.unloaded_s  # from 4 to 7; from 0 to 4 and from 10 to 12
    (array([3.]), array([4., 2.]))
    """
    sent = check_array("sent_s", sent_s, ndim=1)
    done = check_array("done_s", done_s, ndim=1)
    check_same_shape("sent_s", sent, "done_s", done)
    if (done < sent).any():
        raise value_error(
            "done_s",
            received=f"{int((done < sent).sum())} answers before their requests",
            expected="each answer after its request",
        )
    # Answers may overtake each other on the network; the server worked in the order of requests.
    sent, done = np.sort(sent), np.sort(done)
    previous = np.concatenate([[-np.inf], done[:-1]])
    alone, gaps = sent >= previous, np.diff(done, prepend=np.nan)
    if alone.all() or not alone.any():
        raise value_error(
            "sent_s",
            received=f"{int(alone.sum())} of {len(sent)} requests that did not wait",
            expected="some that waited and some that did not",
            remedy="Send more requests, at a rate between 0 and what the server can do.",
        )
    unloaded = (done - sent)[alone]
    way = max(0.0, float(np.median(unloaded) - np.median(gaps[~alone])))
    waited = sent < previous - way
    if not waited.any():
        waited = ~alone
    # A request that found the server free begins a busy period.
    service, periods = gaps[waited], np.cumsum(alone, dtype=np.int64)[waited]
    return Observed(service[service > 0], unloaded, periods[service > 0])
