"""A number of replicas, and what they would do."""

from __future__ import annotations

from dataclasses import dataclass

MOST_REPLICAS = 10_000_000
QUEUES = ("shared", "per replica")


@dataclass(frozen=True)
class Capacity:
    """A number of replicas, and what they would do.

    Args:
        replicas: How many.
        utilisation: Share of time that their workers work, from 0 to less than 1.
        delayed_share: Share of requests that wait.
        mean_s: Mean response time, seconds.
        percentile: Which one the objective names, such as 0.99.
        response_s: Response time at that percentile, seconds.
    """

    replicas: int
    utilisation: float
    delayed_share: float
    mean_s: float
    percentile: float
    response_s: float
