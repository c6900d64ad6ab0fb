"""Service times of a server in operation, seen from outside: from requests and answers alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array, check_same_shape, value_error

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Observed:
    """What a load says of the one server that it was put on.

    Args:
        service_s: How long requests that had to wait kept the server busy, shape ``[n]``.
        unloaded_s: Response times of those that found nobody before them, shape ``[m]``: service,
            and the ways to the server and back.
    """

    service_s: Array
    unloaded_s: Array


def observe_server(sent_s: ArrayLike, done_s: ArrayLike) -> Observed:
    """Tell service times from waiting, for one server that takes requests in their order.

        sent before the previous answer: service = answer - previous answer
        sent after it:                   response = answer - sent

    The first kind is Lindley's recursion, solved for the service; the second has not waited.
    A request that was sent while the previous answer was already on its way back counts as
    neither: it may have found the server free. How long that way takes is estimated by the medians
    of the two kinds, whose difference it is. Which kind a request is of does not depend on its own
    service, so that both are fair samples.

    Args:
        sent_s: When each request was sent, in any order, shape ``[requests]``.
        done_s: When its answer came, the same shape, not before it was sent.

    Raises:
        TypeError: An argument is no number.
        ValueError: The shapes differ, an answer came before its request, or there are none that
            waited, or none that did not.

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
            received=f"{int((done < sent).sum())} answers from before their requests",
            expected="each answer after its request",
        )
    # Answers may overtake each other on the way back; the server worked in the order of requests.
    sent, done = np.sort(sent), np.sort(done)
    previous = np.concatenate([[-np.inf], done[:-1]])
    alone, gaps = sent >= previous, np.diff(done, prepend=np.nan)
    if alone.all() or not alone.any():
        raise value_error(
            "sent_s",
            received=f"{int(alone.sum())} of {len(sent)} requests that did not wait",
            expected="some that waited and some that did not",
            remedy="Send more requests, at a rate between none and what the server can do.",
        )
    unloaded = (done - sent)[alone]
    way = max(0.0, float(np.median(unloaded) - np.median(gaps[~alone])))
    waited = sent < previous - way
    if not waited.any():
        waited = ~alone
    service = gaps[waited]
    return Observed(service[service > 0], unloaded)
