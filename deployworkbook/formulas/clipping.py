"""Clipping: which range of the data a grid covers. Values beyond it move to its ends.

A wide range has coarse steps, a narrow one clips more values: the choice trades rounding error
for clipping error.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.quantization import (
    MINIMUM_BITS,
    Grid,
    Scheme,
    grid_of_scale,
    make_grid,
    usable_scale,
    widened,
)
from deployworkbook.formulas.zero_points import SHARES, ClippingErrors
from deployworkbook.validation import check_array, check_choice, check_integer, check_number

Clipping = Literal["minmax", "percentile", "mse"]
CLIPPINGS: tuple[Clipping, ...] = ("minmax", "percentile", "mse")
Limits = tuple[NDArray[np.float64], NDArray[np.float64]]

# The search for the smallest error tries this many scales per octave, down to scales this many
# octaves finer than the ones that clip nothing. Near the best scale the error grows with the
# square of the distance, so that a neighbour at most 2^(1/16) away is within about a percent.
SCALES_PER_OCTAVE = 8
OCTAVES_CLIPPED = 4


def fit_grid(
    values: ArrayLike,
    *,
    bits: int,
    scheme: Scheme = "asymmetric",
    clipping: Clipping = "minmax",
    percentile: float = 99.9,
    axis: int | None = None,
) -> Grid:
    """Choose a grid for data.

    Args:
        values: Any shape.
        bits: From 2 to 16.
        scheme: How the grid lies over a range; see ``quantization.make_grid``.
        clipping: How the range is chosen: ``minmax_limits``, ``percentile_limits`` or
            ``mse_optimal_grid``.
        percentile: Upper percentile for ``"percentile"`` clipping, above 50, at most 100.
        axis: Axis of the channels, each with its own scale; ``None`` for one shared scale.

    Returns:
        The grid.

    Raises:
        ValueError: A setting is unknown or out of range.

    >>> weights = np.array([[0.1, 10.0], [-0.2, 20.0]])
    >>> fit_grid(weights, bits=8, scheme="symmetric", axis=1).scale * 127
    array([[ 0.2, 20. ]])
    """
    if check_choice("clipping", clipping, CLIPPINGS) == "mse":
        return mse_optimal_grid(values, bits=bits, scheme=scheme, axis=axis)
    if clipping == "percentile":
        limits = percentile_limits(values, percentile=percentile, axis=axis)
    else:
        limits = minmax_limits(values, axis=axis)
    return make_grid(*limits, bits=bits, scheme=scheme)


def minmax_limits(values: ArrayLike, *, axis: int | None = None) -> Limits:
    """Return limits that cover all values: nothing is clipped, but one outlier makes steps coarse.

        low = min x,  high = max x

    Args:
        values: x, any shape.
        axis: Axis of the channels; ``None`` for one range.

    Returns:
        Lower and upper ends: numbers, or one per channel.

    >>> [float(end) for end in minmax_limits([0.0, -1.0, 5.0])]
    [-1.0, 5.0]
    """
    array = check_array("values", values)
    others = _other_axes(array, axis)
    keep = axis is not None
    return np.asarray(array.min(others, keepdims=keep)), np.asarray(
        array.max(others, keepdims=keep)
    )


def percentile_limits(values: ArrayLike, *, percentile: float, axis: int | None = None) -> Limits:
    """Return limits that leave out the same share of values at either end.

        low = the (100 - p)th percentile of x,  high = the pth

    Args:
        values: x, any shape.
        percentile: p, above 50, at most 100.
        axis: Axis of the channels; ``None`` for one range.

    Returns:
        Lower and upper ends: numbers, or one per channel.

    Raises:
        ValueError: ``percentile`` is out of range.

    >>> [float(end) for end in percentile_limits(np.arange(101), percentile=99)]
    [1.0, 99.0]
    """
    array = check_array("values", values)
    share = check_number("percentile", percentile, 50, 100, open_low=True)
    others, keep = _other_axes(array, axis), axis is not None
    low, high = np.percentile(array, [100.0 - share, share], axis=others, keepdims=keep)
    return np.asarray(low), np.asarray(high)


def mse_optimal_grid(
    values: ArrayLike, *, bits: int, scheme: Scheme, axis: int | None = None
) -> Grid:
    """Search for the scale of the smallest mean squared error.

        s* = argmin 1/n Σ (x - x̂(s))²



    For an asymmetric grid the search also covers how many of its steps lie below zero. It includes
    the symmetric grids, so that the result is never worse than theirs.

    The error has many local minima, so the search tries a fixed list of scales. The list for b bits
    includes the lists for fewer bits, and at the same scale a grid of more bits contains all
    numbers of one of fewer bits. Hence more bits never raise the error, and it never exceeds that
    of the grid that covers all values.

    Args:
        values: x, any shape.
        bits: From 2 to 16.
        scheme: Any of ``quantization.SCHEMES``.
        axis: Axis of the channels, each searched separately; ``None`` for one scale.

    Returns:
        The best grid tried.

    Raises:
        ValueError: A setting is unknown or out of range.

    >>> values = np.append(np.tile([-1.0, 0.0, 1.0], 100), 1.5)  # one outlier
    >>> float(mse_optimal_grid(values, bits=2, scheme="symmetric").limits[1]) < 1.1
    True
    """
    array = check_array("values", values)
    limits = minmax_limits(array, axis=axis)
    channels = array.reshape(1, -1) if axis is None else np.moveaxis(array, axis, 0)
    rows = channels.reshape(len(channels), -1)
    low, high = (limit.reshape(-1, 1) for limit in limits)
    if scheme == "asymmetric":
        scale, ends = _best_of_both_ends(rows, low, high, bits=bits)
    else:
        scale, ends = _best_scale(rows, low, high, bits=bits, scheme=scheme), (low, high)
    shaped = [np.asarray(each).reshape(limits[0].shape) for each in (scale, *ends)]
    return grid_of_scale(*shaped, bits=bits, scheme=scheme)


def _best_scale(
    rows: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    *,
    bits: int,
    scheme: Scheme,
) -> NDArray[np.float64]:
    # A subset's squared errors sum to no more than those of all values. So a scale that is worse
    # than the best on every eighth value alone, by more than rounding, needn't be tried on the
    # rest.
    some = rows[:, ::8].copy()
    share = (1.0 - 1e-9) * some.shape[1] / rows.shape[1]

    best = make_grid(low, high, bits=bits, scheme=scheme).scale
    smallest = np.full_like(low, np.inf)
    for scale in (best, *_candidate_scales(low, high, bits=bits, scheme=scheme)):
        grid = grid_of_scale(scale, low, high, bits=bits, scheme=scheme)
        if (share * _mean_squared_error(some, grid) > smallest).all():
            continue
        error = _mean_squared_error(rows, grid)
        best = np.where(error < smallest, scale, best)
        smallest = np.minimum(error, smallest)
    return best


def _best_of_both_ends(
    rows: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64], *, bits: int
) -> tuple[NDArray[np.float64], Limits]:
    """Search over scales and numbers of steps below zero; include all symmetric grids."""
    unit, zero = np.ones_like(low), np.zeros_like(low)
    ranges = [widened(low, high), *((zero - share, zero + 1 - share) for share in SHARES)]
    # The zero point depends on the range, not on the scale.
    grids = [grid_of_scale(unit, *each, bits=bits, scheme="asymmetric") for each in ranges]
    steps = np.stack([[g.zero_point - g.low, g.high - g.zero_point] for g in grids])
    searched: list[tuple[Scheme, NDArray[np.int64]]] = [
        ("asymmetric", np.arange(len(ranges))),
        ("symmetric", np.array([len(ranges) - 1])),  # steps in halves
    ]
    candidates = [
        (make_grid(low, high, bits=bits, scheme=scheme).scale, places)
        for scheme, places in searched
    ] + [
        (scale, places)
        for scheme, places in searched
        for scale in _candidate_scales(low, high, bits=bits, scheme=scheme)
    ]
    errors = ClippingErrors(rows)
    best, chosen = candidates[0][0], np.zeros(low.shape, np.int64)
    smallest = np.full_like(low, np.inf)
    for scale, tried in candidates:
        places, bounds = tried, np.empty(0)
        # Every eighth value is enough to rule out most scales.
        for stride in (8, 1):
            bounds = errors.at_least(scale, steps[places], stride=stride)
            promising = (bounds <= smallest).any(axis=(1, 2))
            places, bounds = places[promising], bounds[promising]
        # The most promising first, so that few of the others have to be computed exactly.
        for order in bounds.sum(axis=(1, 2)).argsort(kind="stable"):
            if (bounds[order] > smallest).all():
                continue
            place = int(places[order])
            error = _mean_squared_error(rows, replace(grids[place], scale=scale))
            better = error < smallest
            best, chosen = np.where(better, scale, best), np.where(better, place, chosen)
            smallest = np.minimum(error, smallest)
    lowest, highest = (np.stack([each[end] for each in ranges]) for end in (0, 1))
    rows_of = np.arange(len(low))[:, None]
    return best, (lowest[chosen, rows_of, 0], highest[chosen, rows_of, 0])


def _candidate_scales(
    low: NDArray[np.float64], high: NDArray[np.float64], *, bits: int, scheme: Scheme
) -> Iterator[NDArray[np.float64]]:
    for fewer in range(MINIMUM_BITS, check_integer("bits", bits, MINIMUM_BITS)):
        yield make_grid(low, high, bits=fewer, scheme=scheme).scale
    lower, upper = widened(low, high)
    if scheme == "power_of_two":
        coarsest, per_octave = make_grid(low, high, bits=MINIMUM_BITS, scheme=scheme).scale, 1
    else:
        coarsest = (upper - lower) / 2 if scheme == "asymmetric" else np.maximum(-lower, upper)
        per_octave = SCALES_PER_OCTAVE
    for index in range(per_octave * (bits - 1 + OCTAVES_CLIPPED) + 1):
        yield usable_scale(coarsest * 2.0 ** (-index / per_octave))


def _mean_squared_error(rows: NDArray[np.float64], grid: Grid) -> NDArray[np.float64]:
    """Return ``fake_quantize``'s error per row, by the same operations but without its checks."""
    steps = rows / grid.scale
    np.rint(steps, out=steps)
    np.clip(steps, grid.low - grid.zero_point, grid.high - grid.zero_point, out=steps)
    steps *= grid.scale
    steps -= rows
    np.square(steps, out=steps)
    return np.asarray(steps.mean(axis=1, keepdims=True))


def _other_axes(values: NDArray[np.float64], axis: int | None) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(values.ndim))
    channel = check_integer("axis", axis, -values.ndim, values.ndim - 1) % values.ndim
    return tuple(each for each in range(values.ndim) if each != channel)
