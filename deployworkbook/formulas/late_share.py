"""The share of late requests of many queues at once, by the same formula as ``response``.

``response`` computes one distribution exactly on a fine grid. An advice asks for thousands of
queues, but they have few shapes of service times. So the wait of each shape is tabulated once, at a
few utilisations, and interpolated.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.erlang import check_stable, erlang_c
from deployworkbook.formulas.service_shape import ServiceShape
from deployworkbook.validation import check_number

Array = NDArray[np.float64]

CELLS = 2048
# Chebyshev nodes per band of utilisations. The wait's distribution at a fixed time is a power
# series in ρ, so that a polynomial of this degree is exact to about 10⁻⁵.
NODES = 6
# Band k holds the utilisations with 2⁻ᵏ⁻¹ < 1 - ρ ≤ 2⁻ᵏ.
LAST_BAND = 24
# Tables that are kept, of 0.1 MB each: an advice has tens of shapes, each in a few bands.
TABLES = 512
# Cases computed at once.
CHUNK = 4096
# Each gains a bit. The tables are exact to about 10⁻⁵, so more would show nothing.
HALVINGS = 24


@dataclass(frozen=True, eq=False)
class _Table:
    """Waits of a shape's delayed requests, for one band of utilisations.

    Args:
        step: Distance between grid points, in mean service times.
        loads: Utilisations, shape ``[NODES]``.
        longer: P(V > k step), shape ``[NODES, CELLS + 1]``; 0 at the end.
    """

    step: float
    loads: Array
    longer: Array


def late_share(
    times: ArrayLike, loads: ArrayLike, servers: ArrayLike, shape: ServiceShape
) -> Array:
    """Return the share of requests that take longer than a time, waiting and service together.

        P(R > t) = (1 - C) P(S > t) + C P(S + V / c > t)

    with C the share that waits, and V the wait of those if there were one server c times as fast:
    ``formulas.response``. Exact for one server, and for exponential service times.

    Args:
        times: t, in mean service times.
        loads: ρ, utilisations, at least 0.
        servers: c, numbers of servers.
        shape: Shape of the service times.

    Returns:
        From 0 to 1, in the arguments' common shape.

    Raises:
        ValueError: A utilisation is not less than 1.

    Source: as in ``formulas.response``.

    >>> from deployworkbook.formulas.service_shape import shape_of_variation
    >>> exponential = shape_of_variation(1.0)  # M/M/1: e^(-(1 - ρ) t)
    >>> round(float(late_share(4.0, 0.5, 1, exponential)), 4), round(float(np.exp(-2.0)), 4)
    (0.1354, 0.1353)
    """
    t, rho, count = np.broadcast_arrays(
        *(np.asarray(each, np.float64) for each in (times, loads, servers))
    )
    check_stable(rho)
    delayed = erlang_c(count, rho * count)
    late = delayed * late_share_of_waiting(t, rho, count, shape)
    return np.asarray((1.0 - delayed) * shape.longer_than(t) + late)


def late_share_of_waiting(
    times: ArrayLike, loads: ArrayLike, servers: ArrayLike, shape: ServiceShape
) -> Array:
    """Return P(S + V / c > t): of the requests that wait, the share that take longer than a time.

    Args:
        times: Times in mean service times, above 0, any shape.
        loads: Share of the time in which a server is busy, in [0, 1); not checked.
        servers: Number of servers that share the queue.
        shape: Distribution of service times, as for ``late_share``.

    >>> from deployworkbook.formulas.service_shape import shape_of_variation
    >>> late_share_of_waiting([0.5, 1e6], 0.5, 1, shape_of_variation(0.0)).tolist()
    [1.0, 0.0]
    """
    t, rho, count = np.broadcast_arrays(
        *(np.asarray(each, np.float64) for each in (times, loads, servers))
    )
    size = t.shape
    t, rho, count = t.ravel(), rho.ravel(), count.ravel()
    late = np.where(t < shape.values[0], 1.0, 0.0)
    bands = _bands(rho)
    beyond = is_beyond(t, rho, count, shape.residual_mean, float(shape.values[-1]))
    for band in np.unique(bands[~beyond]).tolist():
        chosen = np.flatnonzero((bands == band) & ~beyond)
        for start in range(0, len(chosen), CHUNK):
            part = chosen[start : start + CHUNK]
            late[part] = _waited(t[part], rho[part], count[part], shape, band)
    return late.reshape(size)


def is_beyond(
    times: Array,
    loads: Array,
    servers: Array,
    residual_mean: float | Array,
    slowest: float | Array,
) -> NDArray[np.bool_]:
    """Return whether hardly a request that waits takes longer than a time, so none is counted.

    That is so some 25 mean waits after the slowest service, at the highest utilisation of the band.

    Args:
        times: t, in mean service times.
        loads: ρ, less than 1.
        servers: c.
        residual_mean: A shape's mean rest of a service.
        slowest: A shape's largest value.

    >>> is_beyond(np.array([2.0, 100.0]), np.array([0.5, 0.5]), np.ones(2), 0.5, 1.0)
    array([False,  True])
    """
    return np.asarray(
        (times - slowest) * servers >= _horizon(residual_mean, slowest, _bands(loads))
    )


def response_percentile(
    percentile: float, loads: ArrayLike, servers: ArrayLike, shape: ServiceShape
) -> Array:
    """Return the response times that a share of requests does not exceed, by bisection.

    Args:
        percentile: Such as 0.99, from 0 to less than 1.
        loads: ρ, utilisations, at least 0.
        servers: c, numbers of servers.
        shape: Shape of the service times.

    Returns:
        In mean service times, in the common shape of loads and servers.

    Raises:
        ValueError: An argument is out of range.

    >>> from deployworkbook.formulas.service_shape import shape_of_variation
    >>> exponential = shape_of_variation(1.0)  # M/M/1: ln 100 / (1 - ρ)
    >>> response_percentile(0.99, [0.5, 0.9], 1, exponential).round()
    array([ 9., 46.])
    """
    allowed = 1.0 - check_number("percentile", percentile, 0, 1, open_high=True)
    both = np.broadcast_arrays(*(np.asarray(each, np.float64) for each in (loads, servers)))
    check_stable(both[0])
    rho, count = (each.ravel() for each in both)
    delayed = erlang_c(count, rho * count)
    # The loads stay while times are halved: a table of the wait for each.
    bands, steps, longer = _bands(rho), np.empty(rho.shape), np.empty((rho.size, CELLS + 1))
    for band in np.unique(bands).tolist():
        at, table = bands == band, _table(shape, band)
        steps[at], longer[at] = table.step, _node_weights(rho[at], table.loads).T @ table.longer

    def is_late(times: Array) -> NDArray[np.bool_]:
        below, above, is_sure = _cells(times, count, steps, shape)
        share = np.take_along_axis(longer, below, 1) * (1.0 - above)
        share += np.take_along_axis(longer, below + 1, 1) * above
        waiting = np.where(is_sure, 1.0, share) @ shape.weights
        late = (1.0 - delayed) * shape.longer_than(times) + delayed * waiting
        return np.asarray(late > allowed)

    low, high = np.zeros(rho.shape), np.ones(rho.shape)
    while (late := is_late(high)).any():
        low, high = np.where(late, high, low), np.where(late, 2.0 * high, high)
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        late = is_late(middle)
        low, high = np.where(late, middle, low), np.where(late, high, middle)
    return high.reshape(both[0].shape)


def _bands(loads: Array) -> Array:
    return np.minimum(np.floor(-np.log2(1.0 - loads)), LAST_BAND)


def _horizon(residual_mean: float | Array, slowest: float | Array, bands: float | Array) -> Array:
    growth = 2.0 ** (np.asarray(bands) + 1.0)
    return np.asarray(25.0 * np.asarray(residual_mean) * growth + 3.0 * np.asarray(slowest))


def _waited(t: Array, rho: Array, servers: Array, shape: ServiceShape, band: float) -> Array:
    """Return the late share of the requests that wait."""
    table = _table(shape, band)
    below, above, is_sure = _cells(t, servers, np.full(t.shape, table.step), shape)
    by_node = np.empty((NODES, len(t)))
    for node, longer in enumerate(table.longer):
        share = longer[below] * (1.0 - above) + longer[below + 1] * above
        by_node[node] = np.where(is_sure, 1.0, share) @ shape.weights
    late = (_node_weights(rho, table.loads) * by_node).sum(axis=0)
    return np.asarray(np.clip(late, 0.0, 1.0))


def _cells(
    t: Array, servers: Array, steps: Array, shape: ServiceShape
) -> tuple[NDArray[np.int64], Array, NDArray[np.bool_]]:
    """Return where in a table what a service leaves of a time is, per case and group of services.

    That is the grid point below, the distance from it, and whether the service alone takes longer.
    """
    places = (t[:, None] - shape.values) * (servers / steps)[:, None]
    is_sure = places < 0
    places = np.clip(places, 0.0, CELLS)
    below = np.minimum(places.astype(np.int64), CELLS - 1)
    return below, places - below, is_sure


@lru_cache(maxsize=TABLES)
def _table(shape: ServiceShape, band: float) -> _Table:
    step = float(_horizon(shape.residual_mean, float(shape.values[-1]), band)) / CELLS
    low, high = 1.0 - 2.0**-band, 1.0 - 2.0 ** -(band + 1)
    nodes = np.cos(np.pi * (2.0 * np.arange(NODES) + 1.0) / (2.0 * NODES))
    loads = (low + high) / 2.0 + (high - low) / 2.0 * nodes
    integral = _residual_integral(np.arange(-1.0, CELLS + 1.0) * step, shape)
    # Each rest goes to its two neighbours on the grid, which keeps its mean.
    transform = np.fft.rfft(np.diff(integral, 2) / step)
    rho = loads[:, None]
    masses = np.fft.irfft((1.0 - rho) * transform / (1.0 - rho * transform), CELLS, axis=1)
    longer = 1.0 - (np.cumsum(masses, axis=1) - masses / 2.0)
    longer[:, 0] = 1.0
    longer = np.clip(np.column_stack([longer, np.zeros(NODES)]), 0.0, 1.0)
    return _Table(step, loads, longer)


def _residual_integral(times: Array, shape: ServiceShape) -> Array:
    """Return ∫ P(rest of a service ≤ x) dx up to each time, where P = E[min(S, x)] / E[S]."""
    t = np.maximum(times, 0.0)
    shorter = np.searchsorted(shape.values, t)
    sums = [
        np.concatenate([[0.0], np.cumsum(shape.weights * shape.values**power)])[shorter]
        for power in range(3)
    ]
    return np.asarray(t * sums[1] - sums[2] / 2.0 + (1.0 - sums[0]) * t**2 / 2.0)


def _node_weights(at: Array, nodes: Array) -> Array:
    """Return each Chebyshev node's weight in the interpolation, by the barycentric formula."""
    angles = np.pi * (2.0 * np.arange(NODES) + 1.0) / (2.0 * NODES)
    weights = (-1.0) ** np.arange(NODES) * np.sin(angles)
    distances = at - nodes[:, None]
    distances = np.where(distances == 0, 1e-300, distances)
    terms = weights[:, None] / distances
    return np.asarray(terms / terms.sum(axis=0))
