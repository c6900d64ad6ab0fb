"""The replica explorer: how long requests wait, by rate, service time and number of replicas."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.late_share import response_percentile
from deployworkbook.formulas.queueing import mean_wait_s, utilisation
from deployworkbook.formulas.service_shape import shape_of_variation
from deployworkbook.plots.replicas import ReplicasResult, ReplicasView
from deployworkbook.widgets.controls import Choice, LogSlider, Slider
from deployworkbook.widgets.explorer import Explorer

MOST = 16
LOADS = np.concatenate([np.linspace(0.01, 0.9, 30), np.linspace(0.91, 0.99, 9), [0.995]])
RATE_LOW, RATE_HIGH = 1.0, 10_000.0
SERVICE_LOW_MS, SERVICE_HIGH_MS = 0.1, 1000.0
SHARED, OWN = "one shared queue", "one per replica"


def compute_replicas(
    *,
    rate_per_s: float,
    service_ms: float,
    replicas: int,
    service_scv: float,
    queue: str,
    replica_usd_per_month: float | None = None,
) -> ReplicasResult:
    """Model replicas with queueing formulas.

    Args:
        rate_per_s: Requests per second, at random times, above 0.
        service_ms: Mean service time, above 0.
        replicas: Number of replicas, at least 1.
        service_scv: Squared coefficient of variation of the service times, at least 0.
        queue: ``SHARED``: a free replica takes the next request; ``OWN``: each request goes to a
            random replica and stays there.
        replica_usd_per_month: Monthly cost per replica, if it should be shown.

    >>> result = compute_replicas(
    ...     rate_per_s=50.0, service_ms=10.0, replicas=1, service_scv=1.0, queue=SHARED
    ... )
    >>> result.utilisation, round(result.mean_ms, 9)  # M/M/1: 10 ms / (1 - 0.5)
    (0.5, 20.0)
    """
    service_s = service_ms / 1e3
    counts = np.concatenate([[replicas], np.arange(1, MOST + 1)])
    loads = utilisation(rate_per_s, service_s, counts)
    # Compute all at once, because a few values take as long as one.
    waits_ms, p99s_ms = _times_ms(
        np.concatenate([loads, LOADS]),
        service_s,
        np.concatenate([counts, np.full(LOADS.shape, replicas)]),
        service_scv,
        queue,
    )
    wait_ms, p99_ms, load = float(waits_ms[0]), float(p99s_ms[0]), float(loads[0])
    return ReplicasResult(
        rate_per_s=rate_per_s,
        service_ms=service_ms,
        replicas=replicas,
        utilisation=load,
        loads=LOADS,
        mean_by_load_ms=waits_ms[len(counts) :] + service_ms,
        p99_by_load_ms=p99s_ms[len(counts) :],
        p99_by_replicas_ms=p99s_ms[1 : len(counts)],
        wait_ms=wait_ms,
        mean_ms=wait_ms + service_ms,
        p99_ms=p99_ms,
        replica_usd_per_month=replica_usd_per_month,
    )


def _times_ms(
    loads: ArrayLike, service_s: float, replicas: ArrayLike, service_scv: float, queue: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean waits and 99th percentiles of response times by load; NaN from a load of 1."""
    rho = np.asarray(loads, np.float64)
    stable = rho < 1
    servers = np.asarray(replicas)[stable] if queue == SHARED else np.ones(stable.sum())
    rates = rho[stable] * servers / service_s
    waits, tails = np.full((2, len(rho)), np.nan)
    if stable.any():
        waits[stable] = mean_wait_s(rates, service_s, servers, service_scv=service_scv)
        shape = shape_of_variation(service_scv)
        tails[stable] = response_percentile(0.99, rho[stable], servers, shape) * service_s
    return 1e3 * waits, 1e3 * tails


def replicas_explorer(
    *,
    rate_per_s: float = 100.0,
    service_ms: float = 5.0,
    service_scv: float = 0.0,
    replica_usd_per_month: float | None = None,
) -> Explorer[ReplicasResult]:
    """Make the replica explorer.

    Args:
        rate_per_s: Initial arrival rate, in requests per second, clipped to the slider's range.
        service_ms: Initial service time, likewise clipped.
        service_scv: Initial variation of service times, likewise clipped.
        replica_usd_per_month: Monthly cost per replica, if it should be shown.
    """
    rate = float(np.clip(rate_per_s, RATE_LOW, RATE_HIGH))
    service = float(np.clip(service_ms, SERVICE_LOW_MS, SERVICE_HIGH_MS))
    scv = float(np.clip(service_scv, 0.0, 4.0))
    controls = [
        LogSlider("rate_per_s", "arrival rate", RATE_LOW, RATE_HIGH, 40, rate, unit="/s"),
        LogSlider(
            "service_ms", "service time", SERVICE_LOW_MS, SERVICE_HIGH_MS, 40, service, unit="ms"
        ),
        Slider("replicas", "replicas", 1, MOST, 1, 1),
        Slider("service_scv", "service variation", 0.0, 4.0, 0.1, scv),
        Choice("queue", "queue", (SHARED, OWN), SHARED),
    ]
    compute = partial(compute_replicas, replica_usd_per_month=replica_usd_per_month)
    return Explorer(controls, compute, ReplicasView(MOST))
