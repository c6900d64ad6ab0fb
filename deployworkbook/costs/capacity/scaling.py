"""A day of an autoscaled service, simulated request by request, with its cold starts."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.costs.capacity.autoscaler import Autoscaler, Decisions
from deployworkbook.costs.capacity.fleet import Fleet
from deployworkbook.formulas.queueing import check_times
from deployworkbook.validation import check_array, check_integer, check_number, value_error

Array = NDArray[np.float64]

DAY_S = 86_400.0
MINUTE_S = 60.0
# Each takes about a microsecond and 50 bytes.
MOST_REQUESTS = 20_000_000


@dataclass(frozen=True, eq=False)
class Day:
    """A simulated day, minute by minute; all arrays have shape ``[minutes]``.

    Args:
        requests: Number of requests that arrived.
        shed: Number of requests that were turned away.
        late: Number of answered requests that took longer than the objective.
        ready_replicas: Mean number of replicas that served.
        paid_replicas: Mean number of replicas that served or were starting.
        utilisation: Share of the ready workers' time that was busy, by the minute of the work.
        p99_s: 99th percentile of the answered requests' response times; NaN where there are none.
        mean_s: Mean of the answered requests' response times.
    """

    requests: NDArray[np.int64]
    shed: NDArray[np.int64]
    late: NDArray[np.int64]
    ready_replicas: Array
    paid_replicas: Array
    utilisation: Array
    p99_s: Array
    mean_s: Array

    @property
    def late_share(self) -> float:
        """Share of all requests that were answered too late."""
        return float(self.late.sum() / max(1, self.requests.sum()))

    @property
    def shed_share(self) -> float:
        """Share of all requests that were turned away."""
        return float(self.shed.sum() / max(1, self.requests.sum()))

    @property
    def replica_hours(self) -> float:
        """Paid replica hours."""
        return float(self.paid_replicas.sum() * MINUTE_S / 3600.0)


def simulate_day(
    rates_per_s: ArrayLike,
    service_times_s: ArrayLike,
    scaler: Autoscaler,
    *,
    latency_objective_s: float,
    workers: int = 1,
    most_wait_s: float = 10.0,
    first_replicas: int | None = None,
    duration_s: float = DAY_S,
    seed: int = 0,
) -> Day:
    """Simulate each request of a day under an autoscaler.

    Arrivals are a Poisson process whose rate changes from step to step. Each request takes a random
    one of the measured service times, on the worker that is free first. It stays with that worker:
    a replica that starts later takes new requests only, as behind a load balancer. Replicas that
    are stopped finish their requests; replicas that are still starting are stopped first.

    Args:
        rates_per_s: Arrival rates in equal steps of the duration, at least 0, shape ``[steps]``.
        service_times_s: Measured service times to draw from, positive, shape ``[n]``.
        scaler: Autoscaling rule. With ``min_replicas`` equal to ``max_replicas`` nothing scales.
        latency_objective_s: Response time above which a request is late.
        workers: Number of requests that a replica serves at once.
        most_wait_s: Longest wait; a request that would wait longer is turned away.
        first_replicas: Replicas that are ready at the start; by default ``min_replicas``.
        duration_s: Duration in whole minutes, up to a day.
        seed: Seed of arrivals and service times.

    Returns:
        The simulated day.

    Raises:
        TypeError: An argument is not a number.
        ValueError: An argument is out of range, or there are more than twenty million requests.

    >>> day = simulate_day([5.0], [0.1], Autoscaler(), latency_objective_s=0.5, duration_s=600.0)
    >>> len(day.p99_s), day.shed_share
    (10, 0.0)
    """
    rates = check_array("rates_per_s", rates_per_s, ndim=1)
    times = check_times("service_times_s", service_times_s)
    objective = check_number("latency_objective_s", latency_objective_s, 0, open_low=True)
    length = check_number("duration_s", duration_s, MINUTE_S, DAY_S)
    _check(rates, length)
    first = scaler.min_replicas if first_replicas is None else first_replicas
    check_integer("first_replicas", first, scaler.min_replicas, scaler.max_replicas)
    generator = np.random.default_rng(seed)
    arrivals = _arrivals(rates, length, generator)
    service = generator.choice(times, len(arrivals))
    fleet = Fleet(
        arrivals,
        service,
        workers=check_integer("workers", workers, 1),
        replicas=first,
        most_wait_s=check_number("most_wait_s", most_wait_s, 0, open_low=True),
    )
    decisions = Decisions(scaler)
    now = 0.0
    while now < length:
        until = min(now + scaler.sync_s, length)
        utilisation = fleet.run(until)
        wanted = decisions.replicas(until, utilisation, fleet.ready, fleet.starting)
        fleet.scale(until, wanted, scaler.start_up_s)
        now = until
    return _by_minute(fleet, arrivals, service, objective, length)


def _check(rates: Array, length: float) -> None:
    if length % MINUTE_S:
        raise value_error(
            "duration_s", received=f"{length:g}", expected="whole minutes, in seconds"
        )
    if rates.min() < 0:
        raise value_error("rates_per_s", received=f"{rates.min():g}", expected="at least 0")
    expected = float(rates.mean()) * length
    if expected > MOST_REQUESTS:
        raise value_error(
            "rates_per_s",
            received=f"{expected:,.0f} requests",
            expected=f"at most {MOST_REQUESTS:,}, since each is simulated",
            remedy="Simulate the peak hour (duration_s=3600), or a tenth of the traffic on a "
            "tenth of the replicas, where waits are longer.",
        )


def _arrivals(rates: Array, length: float, generator: np.random.Generator) -> Array:
    step = length / len(rates)
    counts = generator.poisson(rates * step)
    starts = np.repeat(np.arange(len(rates)) * step, counts)
    return np.sort(starts + generator.random(len(starts)) * step)


def _by_minute(
    fleet: Fleet, arrivals: Array, service: Array, objective: float, length: float
) -> Day:
    minutes = round(length / MINUTE_S)
    edges = np.linspace(0.0, length, minutes + 1)
    minute = np.minimum((arrivals / MINUTE_S).astype(np.int64), minutes - 1)
    responses = fleet.waits + service
    is_shed = np.isnan(responses)
    p99, mean = np.full(minutes, np.nan), np.full(minutes, np.nan)
    borders = np.searchsorted(minute, np.arange(minutes + 1))
    for index, (start, end) in enumerate(itertools.pairwise(borders)):
        answered = responses[start:end][~is_shed[start:end]]
        if len(answered):
            p99[index], mean[index] = np.percentile(answered, 99), answered.mean()
    ready, paid = (_minute_means(fleet.changes, column, edges) for column in (1, 2))
    worked = np.diff(np.interp(edges, *np.array(fleet.readings).T)) / MINUTE_S
    return Day(
        requests=np.bincount(minute, minlength=minutes),
        shed=np.bincount(minute, is_shed, minutes).astype(np.int64),
        late=np.bincount(minute, responses > objective, minutes).astype(np.int64),
        ready_replicas=ready,
        paid_replicas=paid,
        utilisation=worked / (ready * fleet.workers),
        p99_s=p99,
        mean_s=mean,
    )


def _minute_means(changes: list[tuple[float, int, int]], column: int, edges: Array) -> Array:
    """Return the means per minute of a value that is constant from each change to the next."""
    table = np.array(changes, np.float64)
    times, values = np.append(table[:, 0], edges[-1]), table[:, column]
    area = np.concatenate([[0.0], np.cumsum(values * np.diff(times))])
    return np.asarray(np.diff(np.interp(edges, times, area)) / MINUTE_S)
