"""How long requests occupy a server in operation, inferred from a load of Poisson arrivals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.observed import observe_server
from deployworkbook.serving.load.loops import LONGEST_S, closed_loop, open_loop
from deployworkbook.serving.load.target import LoadTarget
from deployworkbook.validation import check_integer, check_number, value_error

Array = NDArray[np.float64]

# Clients of the closed loop that finds out what the server can do: one always waits.
CLIENTS = 4


@dataclass(frozen=True, eq=False)
class ServiceTimes:
    """Service times of a server under a load, from the times of requests and answers alone.

    Args:
        rate_per_s: Requests per second that were sent, on average.
        service_s: How long requests that had to wait occupied it, in their order, shape ``[n]``.
    """

    rate_per_s: float
    service_s: Array

    @property
    def row(self) -> dict[str, object]:
        """What the ledger keeps, by the names of a ``Measurement``; times to 0.1 µs."""
        return {
            "service_load_per_s": round(self.rate_per_s, 3),
            "service_times_ms": tuple((1e3 * self.service_s).round(4).clip(1e-4).tolist()),
        }


def measure_service_times(
    target: LoadTarget,
    *,
    share: float = 0.45,
    requests: int = 2400,
    warm_up_s: float = 0.6,
    seed: int = 0,
) -> ServiceTimes:
    """Measure service times in operation: requests come at random, and some have to wait.

    A closed loop first finds what the server can do; then an open loop sends a share of that. A
    server that never pauses is steadier than one in operation, so the closed loop's own times are
    not used (``formulas.observed`` explains which are). The generator runs on the same machine and
    takes part of its cores.

    Args:
        target: Server and requests.
        share: Share of what the server can do, between 0 and 1.
        requests: Number of requests, on average; a 99th percentile needs hundreds that waited.
        warm_up_s: Duration of the closed loop, in seconds.
        seed: Seed of the arrivals.

    Raises:
        TypeError: An argument isn't a number.
        ValueError: An argument is out of range, the server answers nothing, or all or none
            of the requests had to wait.
    """
    part = check_number("share", share, 0, 1, open_low=True, open_high=True)
    count = check_integer("requests", requests, 100)
    busy = closed_loop(target, CLIENTS, seconds=warm_up_s)
    if not busy.throughput_per_s:
        raise value_error(
            "target",
            received=f"no answer ({', '.join(busy.errors) or 'nothing was sent'})",
            expected="a server that answers these requests",
            remedy="Start it, or look at one answer with connect(address).predict(inputs).",
        )
    rate = part * busy.throughput_per_s
    load = open_loop(target, rate, seconds=min(LONGEST_S, count / rate), seed=seed)
    answered = load.is_answered
    return ServiceTimes(
        rate, observe_server(load.sent_s[answered], load.done_s[answered]).service_s
    )
