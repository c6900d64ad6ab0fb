"""Predicted and measured response times side by side: how well a queue models a server.

A prediction from another load is an interval. Its lower end takes service times as independent. Its
upper end allows for what makes queues longer: slow requests that come in a row, an idle server that
has to wake up, and a server that slows down when it is fully busy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.costs.capacity.load_replay import LoadReplay
from deployworkbook.formulas.queueing import check_times, utilisation
from deployworkbook.formulas.replay import lag_one_correlation, replayed_waits_s
from deployworkbook.formulas.response import response_times
from deployworkbook.formulas.whole_numbers import rounded_up
from deployworkbook.validation import (
    check_array,
    check_integer,
    check_number,
    check_same_shape,
    value_error,
)

Array = NDArray[np.float64]

# Number of requests in a replay: few arrivals are replayed several times, with new service times.
REPLAYED = 100_000
# With a higher correlation of one service time with the next, there is no single figure.
CORRELATED = 0.2
# Number of blocks of neighbouring requests: long blocks are nearly independent of each other.
BLOCKS = 20


@dataclass(frozen=True)
class LoadPoint:
    """One load on a server: what the queue predicts, and what was measured.

    Args:
        arrival_rate_per_s: Actual arrival rate of the load.
        utilisation: Arrival rate times mean service time, per server: 1 or more where the service
            times, which come from another load, are too long for this one.
        percentile: Percentile, such as 0.99.
        predicted_s: Predicted response time at that percentile, by ``formulas.response``; infinite
            at a utilisation of 1 or more.
        replayed_s: Response time of a queue with exactly these arrivals: its difference from
            ``predicted_s`` is due to chance, its difference from ``measured_s`` to the server.
        low_s: Lower end of the predicted interval: independent service times.
        high_s: Upper end of the predicted interval: service times in their order, an idle server
            that has to wake up, and services as long as at full load.
        correlation: Correlation of a service time with the next.
        measured_s: Measured response time at that percentile.
        measured_low_s: Lower end of its 95 % interval.
        measured_high_s: Upper end of its 95 % interval.
        predicted_mean_s: Predicted mean response time; infinite at a utilisation of 1 or more.
        measured_mean_s: Measured mean response time.
        requests: Number of measured requests.
    """

    arrival_rate_per_s: float
    utilisation: float
    percentile: float
    predicted_s: float
    replayed_s: float
    low_s: float
    high_s: float
    correlation: float
    measured_s: float
    measured_low_s: float
    measured_high_s: float
    predicted_mean_s: float
    measured_mean_s: float
    requests: int

    @property
    def is_covered(self) -> bool:
        """Whether the measured percentile lies in the predicted interval."""
        return self.low_s <= self.measured_s <= self.high_s

    @property
    def point_s(self) -> float | None:
        """The prediction as one figure.

        ``None`` where slow requests come in a row, or come faster than they are served.
        """
        no_figure = self.correlation > CORRELATED or not np.isfinite(self.predicted_s)
        return None if no_figure else self.predicted_s

    @property
    def error(self) -> float:
        """Relative error of the prediction: -0.1 is 10 % below the measurement."""
        return self.predicted_s / self.measured_s - 1.0

    @property
    def server_error(self) -> float:
        """Relative error of the replay: the error without the randomness of the arrivals."""
        return self.replayed_s / self.measured_s - 1.0


def compare_with_measured(
    arrivals_s: Sequence[ArrayLike],
    responses_s: Sequence[ArrayLike],
    service_times_s: ArrayLike,
    *,
    servers: int = 1,
    unloaded_s: ArrayLike | None = None,
    periods: ArrayLike | None = None,
    saturated_s: float | None = None,
    percentile: float = 0.99,
    seed: int = 0,
) -> list[LoadPoint]:
    """Compare measured response times with a queue's, per load.

    Args:
        arrivals_s: Scheduled sending times of each load's requests, ascending from the load's
            start, ``[loads]`` arrays of shape ``[requests]``.
        responses_s: Response times from those moments, the same shapes.
        service_times_s: Time for which each request occupied a server, in their order, shape
            ``[n]``: with one server, those that ``formulas.observed`` finds in another load. The
            gaps between answers under
            constant load are too regular: a server that also idles meets slow phases of its
            processor, and these determine p99.
        servers: Number of requests that are processed at once.
        unloaded_s: Response times of requests that were alone, shape ``[m]``; by default the
            service times.
        periods: Number of each service time's busy period, ascending, shape ``[n]``; by default
            each time has its own.
        saturated_s: Mean time between answers while requests always waited, positive. Where it is
            longer than the mean service time, the server slows down under load, and the upper end
            takes services that much longer.
        percentile: Percentile between 0 and 1, exclusive.
        seed: Seed of the replay's service times.

    Returns:
        One point per load. The predicted interval holds 95 % of the replays of the load's arrivals:
        from below with service times drawn singly, from above also with whole busy periods drawn,
        and with the whole sequence from a random place on. Requests that find the server idle take
        longer than a service. From outside one can't see whether that time occupies the server, so
        the lower end says no and the upper end yes. The measured percentile's interval comes
        from order statistics for independent requests; requests in a queue are not independent, so
        it is widened by the variation between blocks of neighbours.

    Raises:
        TypeError: An argument is not a number.
        ValueError: Arrivals and responses differ in number, or a load has too few requests for the
            percentile.

    >>> point, = compare_with_measured([np.arange(1.0, 201.0)], [[0.010] * 200], [0.010])
    >>> round(point.server_error, 3), round(point.utilisation, 3)
    (0.0, 0.01)
    """
    service = check_times("service_times_s", service_times_s)
    alone = service if unloaded_s is None else check_times("unloaded_s", unloaded_s)
    check_integer("servers", servers, 1)
    numbers = np.arange(len(service)) if periods is None else check_array("periods", periods)
    check_same_shape("service_times_s", service, "periods", numbers)
    starts = np.flatnonzero(np.diff(numbers, prepend=np.nan))
    longer = 1.0
    if saturated_s is not None:
        full = check_number("saturated_s", saturated_s, 0, open_low=True)
        longer = max(1.0, full / float(service.mean()))
    p = check_number("percentile", percentile, 0, 1, open_low=True, open_high=True)
    if len(arrivals_s) != len(responses_s):
        raise value_error(
            "responses_s",
            received=f"{len(responses_s)} loads",
            expected=f"{len(arrivals_s)}, as many as in arrivals_s",
        )
    points = []
    for came, took in zip(arrivals_s, responses_s, strict=True):
        arrivals = check_array("arrivals_s", came, ndim=1)
        responses = check_times("responses_s", took)
        check_same_shape("arrivals_s", arrivals, "responses_s", responses)
        needed = int(rounded_up(1.0 / (1.0 - p)))
        if len(responses) < needed:
            raise value_error(
                "responses_s",
                received=f"{len(responses)} requests",
                expected=f"at least {needed}, for percentile {p:g}",
            )
        rate = len(arrivals) / float(arrivals.max())
        busy = float(utilisation(rate, service.mean(), servers))
        # A load that was measured ended, whatever the other load says of the server: where its
        # queue would grow without bound, the replay of its arrivals still tells how far it got.
        predicted_s = predicted_mean_s = np.inf
        if busy < 1:
            predicted = response_times(rate, service, servers, unloaded_s=alone)
            predicted_s, predicted_mean_s = predicted.percentile_s(p), predicted.mean_s
        replayed = _replay(arrivals, service, alone, servers, np.random.default_rng(seed))
        low, high = _interval(responses, p)
        replay = LoadReplay(arrivals, service, alone, starts, servers, p, longer)
        likely = replay.interval(np.random.default_rng(seed))
        points.append(
            LoadPoint(
                arrival_rate_per_s=rate,
                utilisation=busy,
                percentile=p,
                predicted_s=predicted_s,
                replayed_s=float(np.quantile(replayed, p)),
                low_s=likely[0],
                high_s=likely[1],
                correlation=lag_one_correlation(service),
                measured_s=float(np.quantile(responses, p)),
                measured_low_s=low,
                measured_high_s=high,
                predicted_mean_s=predicted_mean_s,
                measured_mean_s=float(responses.mean()),
                requests=len(responses),
            )
        )
    return points


def _replay(
    arrivals: Array, service: Array, alone: Array, servers: int, generator: np.random.Generator
) -> Array:
    """Return response times to given arrivals, pooled over draws so that they have a percentile."""
    waits = []
    for _ in range(1 + REPLAYED // len(arrivals)):
        times = generator.choice(service, len(arrivals))
        waits.append(replayed_waits_s(arrivals, times, servers=servers))
    total = np.concatenate(waits)
    return np.asarray(total + generator.choice(alone, len(total)))


def _interval(responses: Array, p: float) -> tuple[float, float]:
    """Return a percentile's 95 % interval, from how late requests spread over blocks of neighbours.

    The share of requests above the measured percentile is a mean over blocks; its standard error
    gives the ranks of the interval's ends.
    """
    late = (responses > np.quantile(responses, p)).astype(np.float64)
    blocks = np.array([block.mean() for block in np.array_split(late, BLOCKS)])
    independent = np.sqrt(p * (1.0 - p) / len(responses))
    error = max(float(independent), float(blocks.std(ddof=1)) / np.sqrt(BLOCKS))
    low, high = max(0.0, p - 1.96 * error), min(1.0, p + 1.96 * error)
    return float(np.quantile(responses, low)), float(np.quantile(responses, high))
