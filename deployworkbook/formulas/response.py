"""Distribution of a queue's response times, from measured service times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.erlang import check_stable, erlang_c
from deployworkbook.formulas.queueing import check_times, utilisation
from deployworkbook.validation import check_integer, check_number

Array = NDArray[np.float64]

CELLS = 2**16
# Probability beyond the grid's end, which the Fourier transform wraps around to its beginning.
BEYOND = 1e-9


@dataclass(frozen=True, eq=False)
class ResponseTimes:
    """A distribution of response times on a grid.

    Args:
        step_s: Distance between grid points, seconds.
        cumulative: P(R ≤ k step), shape ``[cells]``.
    """

    step_s: float
    cumulative: Array

    def percentile_s(self, percentile: float) -> float:
        """Return the time that a share of requests does not exceed.

        Args:
            percentile: Share of requests, such as 0.99, more than 0 and less than 1.

        >>> ResponseTimes(0.5, np.array([0.0, 0.5, 1.0])).percentile_s(0.75)
        0.75
        """
        p = check_number("percentile", percentile, 0, 1, open_low=True, open_high=True)
        above = int(np.searchsorted(self.cumulative, p))
        below = float(self.cumulative[above - 1]) if above else 0.0
        return self.step_s * (above - 1 + (p - below) / (float(self.cumulative[above]) - below))

    def late_share(self, time_s: float) -> float:
        """Return the share of requests that take longer than a time.

        Args:
            time_s: Response time in seconds, at least 0.

        >>> ResponseTimes(0.5, np.array([0.0, 0.5, 1.0])).late_share(0.5)
        0.5
        """
        place = check_number("time_s", time_s, 0) / self.step_s
        return float(1.0 - np.interp(place, np.arange(len(self.cumulative)), self.cumulative))

    @property
    def mean_s(self) -> float:
        """Mean response time, Σ P(R > k step) step, in seconds.

        >>> ResponseTimes(0.5, np.array([0.0, 0.5, 1.0])).mean_s
        0.75
        """
        return float((1.0 - self.cumulative).sum()) * self.step_s


def response_times(
    arrival_rate_per_s: float,
    service_times_s: ArrayLike,
    servers: int,
    *,
    unloaded_s: ArrayLike | None = None,
) -> ResponseTimes:
    """Return the distribution of response times of M/G/c, with G as measured.

        R = U + W,   W = 0 with probability 1 - C(c, a)
        E[e^(-zW) | W > 0] ≈ (1 - ρ) r(z) / (1 - ρ r(z))

    where r is the transform of the residual time of a service that is c times faster: while all
    c servers are busy, they work like one of c times the speed. Exact for a single server with any
    service times (Pollaczek and Khinchine), and for exponential service times with any number of
    servers; the mean is always Allen and Cunneen's. Unlike two moments, the whole distribution
    shows what a rare slow request does to the 99th percentile.

    Args:
        arrival_rate_per_s: λ of a Poisson process, requests per second, at least 0.
        service_times_s: Measured service times, positive, shape ``[n]``.
        servers: c, number of servers.
        unloaded_s: U, response times of requests that found a free server, shape ``[m]``: service,
            network and codec. By default the service times alone.

    Raises:
        TypeError: An argument is not numeric.
        ValueError: An argument is out of range, or the utilisation is not less than 1.

    Source: H. Tijms, M. van Hoorn and A. Federgruen, "Approximations for the steady-state
    probabilities in the M/G/c queue", Advances in Applied Probability 13, 1981.

    >>> times = response_times(0.5, [1.0], 1)  # M/D/1: mean 1 + ρ / (2 (1 - ρ))
    >>> round(times.mean_s, 3), round(times.percentile_s(0.99), 3)
    (1.5, 4.336)
    """
    service = check_times("service_times_s", service_times_s)
    alone = service if unloaded_s is None else check_times("unloaded_s", unloaded_s)
    count = check_integer("servers", servers, 1)
    rate = check_number("arrival_rate_per_s", arrival_rate_per_s, 0)
    mean = float(service.mean())
    rho = float(utilisation(rate, mean, count))
    check_stable(rho)
    delayed = float(erlang_c(count, rate * mean))
    slowest = float(service.max()) / count
    wait = float((service**2).mean()) / (2.0 * mean * count * (1.0 - rho))
    # First on a grid that is surely long enough, then on one that ends where the distribution does.
    horizon = 30.0 * (wait + slowest) + 2.0 * float(alone.max())
    for _ in range(2):
        found = _on_a_grid(horizon / CELLS, service, alone, count, rho, delayed)
        last = int(np.searchsorted(found.cumulative, 1.0 - BEYOND))
        horizon = found.step_s * min(last + 2, CELLS) * 1.2 + slowest
    return found


def _on_a_grid(
    step: float, service: Array, alone: Array, servers: int, rho: float, delayed: float
) -> ResponseTimes:
    edges = np.arange(-0.5, CELLS + 0.5) * step
    residual = np.diff(_residual_cumulative(edges * float(servers), service))
    transform = np.fft.rfft(residual)
    waiting = (1.0 - rho) * transform / (1.0 - rho * transform)
    responding = np.fft.rfft(_spread(alone / step)) * (1.0 - delayed + delayed * waiting)
    masses = np.maximum(np.fft.irfft(responding, CELLS), 0.0)
    # A point's mass extends half a cell to either side.
    cumulative = np.cumsum(masses) - masses / 2.0
    return ResponseTimes(step, np.minimum(cumulative / masses.sum(), 1.0))


def _residual_cumulative(times: Array, service: Array) -> Array:
    """Return P(residual ≤ t) = E[min(S, t)] / E[S], the rest of a service at a random moment."""
    ordered = np.sort(service)
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    t = np.maximum(times, 0.0)
    shorter = np.searchsorted(ordered, t)
    return np.asarray((sums[shorter] + (len(ordered) - shorter) * t) / sums[-1])


def _spread(places: Array) -> Array:
    """Spread each value over its two neighbours on the grid, which keeps the mean."""
    below = np.floor(places).astype(np.int64)
    above = places - below
    size = int(below.max()) + 2
    masses = np.bincount(below, 1.0 - above, size) + np.bincount(below + 1, above, size)
    return np.asarray(np.pad(masses, (0, CELLS - size)) / len(places))
