"""Quantization: real numbers rounded to a grid of integers.

A ``Grid`` says which real number each integer stands for. ``make_grid`` lays it over a
range, which ``clipping`` chooses from data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import (
    check_array,
    check_choice,
    check_integer,
    check_same_shape,
    value_error,
)

Scheme = Literal["asymmetric", "symmetric", "power_of_two"]
SCHEMES: tuple[Scheme, ...] = ("asymmetric", "symmetric", "power_of_two")
MINIMUM_BITS = 2
MAXIMUM_BITS = 16


@dataclass(frozen=True, eq=False)
class Grid:
    """A mapping from integers to real numbers: ``scale · (integer - zero_point)``.

    Args:
        scale: Step between neighbours, above 0: a number, or one per channel in a shape that
            broadcasts against the values.
        zero_point: Integer that stands for 0, the shape of ``scale``.
        low: Smallest integer.
        high: Largest integer.
    """

    scale: NDArray[np.float64]
    zero_point: NDArray[np.int64]
    low: int
    high: int

    @property
    def limits(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The smallest and the largest real number on the grid, each the shape of ``scale``."""
        return (
            np.asarray(self.scale * (self.low - self.zero_point)),
            np.asarray(self.scale * (self.high - self.zero_point)),
        )


def integer_range(bits: int, *, narrow: bool = False) -> tuple[int, int]:
    """Return the smallest and the largest integer in signed two's complement.

        -2^(b-1) … 2^(b-1) - 1

    Args:
        bits: b, from 2 to 16.
        narrow: Whether to leave out the lowest, so that the range is symmetric.

    Returns:
        Lowest and highest integer.

    Raises:
        ValueError: ``bits`` is out of range.

    >>> integer_range(8), integer_range(8, narrow=True)
    ((-128, 127), (-127, 127))
    """
    half = 1 << (check_integer("bits", bits, MINIMUM_BITS, MAXIMUM_BITS) - 1)
    return (1 - half if narrow else -half), half - 1


def make_grid(low: ArrayLike, high: ArrayLike, *, bits: int, scheme: Scheme) -> Grid:
    """Lay a grid over a range of real numbers, which is first widened to include 0.

        asymmetric:   s = (high - low) / (2^b - 1),  z = round(-2^(b-1) - low / s)
        symmetric:    s = max(|low|, |high|) / (2^(b-1) - 1),  z = 0
        power_of_two: s as in symmetric, raised to the next 2^k: a multiplication is then a shift

    Every grid contains 0, because padding, ReLU and pruned weights must stay exact. The symmetric
    schemes leave out -2^(b-1), as LiteRT does for weights.

    Args:
        low: Lower end of the range: a number, or one per channel.
        high: Upper end, the shape of ``low``.
        bits: b, from 2 to 16.
        scheme: ``"asymmetric"``, ``"symmetric"`` or ``"power_of_two"``.

    Returns:
        The grid; its scale is 1 if the range contains only 0.

    Raises:
        ValueError: The shapes differ, an upper end is below a lower one, or a setting is unknown.

    Source: B. Jacob et al., "Quantization and training of neural networks for efficient
    integer-arithmetic-only inference", CVPR 2018; power of two: S. Jain et al., "Trained
    quantization thresholds for accurate and efficient fixed-point inference", MLSys 2020.

    >>> grid = make_grid(-1.0, 2.0, bits=2, scheme="asymmetric")
    >>> float(grid.scale), int(grid.zero_point)  # -1, 0, 1 and 2 as -2, -1, 0 and 1
    (1.0, -1)
    """
    lower, upper = widened(low, high)
    steps = (1 << check_integer("bits", bits, MINIMUM_BITS, MAXIMUM_BITS)) - 1
    if check_choice("scheme", scheme, SCHEMES) == "asymmetric":
        scale = (upper - lower) / steps
    else:
        scale = np.maximum(-lower, upper) / (steps // 2)
    scale = usable_scale(scale)
    if scheme == "power_of_two":
        scale = np.exp2(np.ceil(np.log2(scale)))
    return grid_of_scale(scale, lower, upper, bits=bits, scheme=scheme)


def grid_of_scale(
    scale: ArrayLike, low: ArrayLike, high: ArrayLike, *, bits: int, scheme: Scheme
) -> Grid:
    """Make a grid of a given scale; an asymmetric one divides its integers as 0 divides the range.

        z = round(-2^(b-1) - (2^b - 1) · low / (high - low))

    So at the same scale a grid of more bits contains all numbers of one of fewer bits.

    Args:
        scale: The step, above 0: a number, or one per channel.
        low: Lower end of the values' range, at most 0, the shape of ``scale``.
        high: Upper end, at least 0, the shape of ``scale``.
        bits: b, from 2 to 16.
        scheme: Any of ``SCHEMES``.

    Returns:
        The grid.

    Raises:
        ValueError: ``bits`` or ``scheme`` is out of range.

    >>> grid = grid_of_scale(0.5, -1.0, 2.0, bits=3, scheme="asymmetric")
    >>> int(grid.zero_point), [float(end) for end in grid.limits]  # 7 steps: 2 below 0, 5 above
    (-2, [-1.0, 2.5])
    """
    step = check_array("scale", scale)
    lower, upper = widened(low, high)
    if check_choice("scheme", scheme, SCHEMES) != "asymmetric":
        lowest, highest = integer_range(bits, narrow=True)
        return Grid(step, np.zeros(step.shape, dtype=np.int64), lowest, highest)
    lowest, highest = integer_range(bits)
    width = upper - lower
    share = np.divide(-lower, width, where=width > 0, out=np.zeros_like(width))
    below = np.rint((highest - lowest) * share).astype(np.int64)
    return Grid(step, np.asarray(lowest + below), lowest, highest)


def usable_scale(scale: ArrayLike) -> NDArray[np.float64]:
    """Return scales with 1 in place of those too small for a normal float32.

    Values that need a step below 1.2e-38 are all 0, or practically 0. Runtimes store scales in
    float32, and reject 0 and subnormal numbers.

    Args:
        scale: Scales, any shape, at least 0.

    >>> usable_scale([0.0, 0.5])
    array([1. , 0.5])
    """
    steps = check_array("scale", scale)
    return np.where(steps < np.finfo(np.float32).tiny, 1.0, steps)


def widened(low: ArrayLike, high: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the range, widened to include 0.

    Args:
        low: Lower end: a number, or one per channel.
        high: Upper end, the shape of ``low``.

    Raises:
        ValueError: The shapes differ, or an upper end is below a lower one.

    >>> [float(end) for end in widened(1.0, 3.0)]
    [0.0, 3.0]
    """
    lower, upper = check_array("low", low), check_array("high", high)
    check_same_shape("low", lower, "high", upper)
    if (upper < lower).any():
        raise value_error("high", received="an upper end below the lower", expected="low ≤ high")
    return np.minimum(lower, 0.0), np.maximum(upper, 0.0)


def quantize(values: ArrayLike, grid: Grid) -> NDArray[np.int8] | NDArray[np.int16]:
    """Round real numbers to the integers of a grid.

        q = clip(round(x / s) + z, low, high)

    Halves go to the even neighbour.

    Args:
        values: x, any shape that the grid's scale broadcasts against.
        grid: s, z, low and high.

    Returns:
        The shape of ``values``; int8 if the grid fits into it, else int16.

    >>> quantize([-9.0, -1.0, 0.4, 2.0], make_grid(-1.0, 2.0, bits=2, scheme="asymmetric"))
    array([-2, -2, -1,  1], dtype=int8)
    """
    rounded = np.rint(check_array("values", values) / grid.scale) + grid.zero_point
    clipped = np.clip(rounded, grid.low, grid.high)
    fits = grid.low >= np.iinfo(np.int8).min and grid.high <= np.iinfo(np.int8).max
    return clipped.astype(np.int8) if fits else clipped.astype(np.int16)


def dequantize(integers: ArrayLike, grid: Grid) -> NDArray[np.float64]:
    """Return the real numbers that a grid's integers stand for.

        x̂ = s (q - z)

    Args:
        integers: q, any shape that the grid's scale broadcasts against.
        grid: s and z.

    Returns:
        The shape of ``integers``.

    >>> dequantize([-2, -1, 1], make_grid(-1.0, 2.0, bits=2, scheme="asymmetric"))
    array([-1.,  0.,  2.])
    """
    return np.asarray(grid.scale * (check_array("integers", integers) - grid.zero_point))


def fake_quantize(values: ArrayLike, grid: Grid) -> NDArray[np.float64]:
    """Round real numbers to the nearest number on a grid: quantize, then dequantize.

    Args:
        values: Any shape that the grid's scale broadcasts against.
        grid: The grid.

    Returns:
        The shape of ``values``. Within the grid's limits no number moves by more than half a step.

    >>> fake_quantize([-9.0, -1.0, 0.4, 2.0], make_grid(-1.0, 2.0, bits=2, scheme="asymmetric"))
    array([-1., -1.,  0.,  2.])
    """
    return dequantize(quantize(values, grid), grid)
