"""The shape of service times: how they spread around their mean, as weighted points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.queueing import check_times
from deployworkbook.formulas.waiting import response_survival
from deployworkbook.validation import check_number

Array = NDArray[np.float64]

# Groups of equal probability below the 80th percentile. Above it they shrink by a constant factor,
# down to one in 50,000: slow requests decide what a 99th percentile is.
LOWER_GROUPS, TAIL_GROUPS = 24, 40
TAIL, SMALLEST = 0.2, 2e-5
# A time equal to the objective is not late, whatever the last digit of a quotient.
ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class ServiceShape:
    """Service times relative to their mean.

    Args:
        values: Representative times, ascending, shape ``[points]``; their weighted mean is 1, and
            their variation is that of all times.
        weights: Share of the requests in each group, summing to 1.
        scv: Squared coefficient of variation, (deviation / mean)², of all times.
        longer_than: Share of services that exceed a time, from all times rather than the groups.
    """

    values: Array
    weights: Array
    scv: float
    longer_than: Callable[[Array], Array]

    @property
    def residual_mean(self) -> float:
        """Mean rest of a service at a random moment, E[S²] / (2 E[S]), in means."""
        return (1.0 + self.scv) / 2.0


def shape_of_times(times_s: ArrayLike) -> ServiceShape:
    """Return the shape of measured service times, in any order.

    Times are grouped by rank. The slowest stay almost single.

    Args:
        times_s: Measured times, positive, shape ``[n]``.

    Raises:
        ValueError: A time is not positive.

    >>> shape = shape_of_times([3.0, 1.0])
    >>> shape.values, shape.weights, shape.scv
    (array([0.5, 1.5]), array([0.5, 0.5]), 0.25)
    """
    times = check_times("times_s", times_s)
    return _shape_of_sorted(np.sort(times / times.mean()).tobytes())


@lru_cache(maxsize=128)
def _shape_of_sorted(content: bytes) -> ServiceShape:
    times = np.frombuffer(content)
    count = len(times)
    starts = np.unique(np.floor(count * (1.0 - _tails()[:-1])).astype(np.int64))
    sizes = np.diff(starts, append=count)
    values = np.add.reduceat(times, starts) / sizes
    return _shape(
        values,
        sizes / count,
        float(times.var()),
        lambda t: 1.0 - np.searchsorted(times, t * (1.0 + ROUNDING), "right") / count,
    )


@lru_cache(maxsize=256)
def shape_of_variation(service_scv: float) -> ServiceShape:
    """Return the shape that is assumed if only mean and variation are known.

    With v ≤ 1 a fixed part 1 - √v and an exponential one of mean √v; with v > 1 one of two
    exponential times with balanced means, as in ``waiting.response_survival``. With v = 1 that is
    the exponential distribution, with v = 0 all times are equal.

    Args:
        service_scv: v, squared coefficient of variation, at least 0.

    Raises:
        ValueError: It is negative.

    >>> shape_of_variation(0.0).values.tolist()
    [1.0]
    >>> round(float(shape_of_variation(1.0).longer_than(np.log(100))), 9)
    0.01
    """
    v = check_number("service_scv", service_scv, 0)

    def longer_than(times: Array) -> Array:
        return response_survival(times, 0.0, 1.0, service_time_s=1.0, service_scv=v)

    if v == 0.0:
        return ServiceShape(np.ones(1), np.ones(1), 0.0, longer_than)
    tails = _tails()
    with np.errstate(divide="ignore", invalid="ignore"):
        integral = np.where(tails > 0, tails * (1.0 - np.log(tails)), 0.0)
    weights = -np.diff(tails)
    exponential = -np.diff(integral) / weights
    if v <= 1.0:
        return _shape(1.0 + np.sqrt(v) * (exponential - 1.0), weights, v, longer_than)
    lean = np.sqrt((v - 1.0) / (v + 1.0))
    shares = ((1.0 + lean) / 2.0, (1.0 - lean) / 2.0)
    values = np.concatenate([exponential / (2.0 * share) for share in shares])
    both = np.concatenate([share * weights for share in shares])
    return _shape(values, both, v, longer_than)


def _shape(
    means: Array, weights: Array, scv: float, longer_than: Callable[[Array], Array]
) -> ServiceShape:
    """Make a shape of groups' means, spread so that what varies within the groups isn't lost."""
    grouped = float(weights @ (means - 1.0) ** 2)
    spread = np.sqrt(scv / grouped) if grouped > 0 else 1.0
    values = np.maximum(1.0 + spread * (means - 1.0), 0.0)
    order = np.argsort(values)
    return ServiceShape(values[order], weights[order], scv, longer_than)


def _tails() -> Array:
    """Return the groups' borders as shares of slower requests, from 1 to 0."""
    lower = np.linspace(1.0, TAIL, LOWER_GROUPS, endpoint=False)
    return np.concatenate([lower, np.geomspace(TAIL, SMALLEST, TAIL_GROUPS), [0.0]])
