"""A number of replicas, and their predicted performance."""

from __future__ import annotations

from dataclasses import dataclass

MOST_REPLICAS = 10_000_000
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
