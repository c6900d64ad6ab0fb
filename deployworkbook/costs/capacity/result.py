"""A number of replicas, and their predicted performance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from deployworkbook.formulas.erlang import erlang_c
from deployworkbook.formulas.late_share import response_percentile
from deployworkbook.formulas.queueing import check_times, mean_wait_s, utilisation
from deployworkbook.formulas.service_shape import (
    ServiceShape,
    shape_of_times,
    shape_of_variation,
)
from deployworkbook.validation import check_choice, check_integer, check_number, value_error

MOST_REPLICAS = 10_000_000
# The share of requests that the latency objective is for.
PERCENTILE = 0.99
QUEUES = ("shared", "per replica")


@dataclass(frozen=True)
class Capacity:
    """A number of replicas, and their predicted performance.

    Args:
        replicas: Number of replicas.
        utilisation: Share of time for which their workers are busy, from 0 to less than 1.
        delayed_share: Share of requests that wait.
        mean_s: Mean response time, seconds.
        percentile: The objective's percentile, such as 0.99.
        response_s: Response time at that percentile, seconds.
    """

    replicas: int
    utilisation: float
    delayed_share: float
    mean_s: float
    percentile: float
    response_s: float


def mean_and_shape(
    service_time_s: float | ArrayLike, service_scv: float | None = None
) -> tuple[float, ServiceShape]:
    """Return mean and shape of service times: of measured ones, or of their mean and variation.

    Args:
        service_time_s: Mean in seconds, more than 0; or measured times, shape ``[n]``.
        service_scv: Squared coefficient of variation, if a mean is given; by default 1.

    Raises:
        ValueError: A time is not positive, or measured times come with a variation.

    >>> mean, shape = mean_and_shape([1.0, 3.0])
    >>> mean, shape.scv
    (2.0, 0.25)
    """
    if np.ndim(service_time_s):
        if service_scv is not None:
            raise value_error(
                "service_scv",
                received="a value, with measured service times",
                expected="none: measured times have their own variation",
            )
        times = check_times("service_time_s", service_time_s)
        return float(times.mean()), shape_of_times(times)
    mean = check_number("service_time_s", service_time_s, 0, open_low=True)
    return mean, shape_of_variation(1.0 if service_scv is None else service_scv)


def capacity_of(
    replicas: int,
    arrival_rate_per_s: float,
    service_time_s: float | ArrayLike,
    *,
    service_scv: float | None = None,
    shape: ServiceShape | None = None,
    percentile: float = 0.99,
    workers: int = 1,
    overhead_s: float = 0.0,
    queue: str = "shared",
) -> Capacity:
    """Return the performance of a number of replicas at an arrival rate.

    Args:
        replicas: Number of replicas, at least 1.
        arrival_rate_per_s: Arrival rate, at least 0.
        service_time_s: Mean service time, more than 0; or measured times, shape ``[n]``.
        service_scv: Squared coefficient of variation of the service times; by default 1.
        shape: Shape of the service times, instead of ``service_scv``.
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
    overhead = check_number("overhead_s", overhead_s, 0)
    is_shared = check_choice("queue", queue, QUEUES) == "shared"
    time, assumed = mean_and_shape(service_time_s, service_scv)
    kind = assumed if shape is None else shape
    servers = replicas * workers if is_shared else workers
    rate = check_number("arrival_rate_per_s", arrival_rate_per_s, 0) / (
        1 if is_shared else replicas
    )
    load = float(utilisation(rate, time, servers))
    wait = float(mean_wait_s(rate, time, servers, service_scv=kind.scv))
    late_s = time * float(response_percentile(percentile, load, servers, kind))
    return Capacity(
        replicas=replicas,
        utilisation=load,
        delayed_share=float(erlang_c(servers, rate * time)),
        mean_s=wait + time + overhead,
        percentile=percentile,
        response_s=late_s + overhead,
    )
