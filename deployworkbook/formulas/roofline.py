"""The roofline bound on a dense network's speed, from its operations and its bytes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array, check_integer, check_number, value_error

Array = NDArray[np.float64]


def dense_multiplications(widths: Sequence[int]) -> int:
    """Count a dense network's multiplications per image, each followed by an addition.

        M = Σ_l d_(l-1) d_l

    Args:
        widths: d_0 … d_L, inputs first, at least two.

    Returns:
        M; the floating-point operations are 2 M.

    Raises:
        ValueError: There are fewer than two widths, or one is below 1.

    >>> dense_multiplications([784, 128, 10])  # 784 · 128 + 128 · 10
    101632
    """
    sizes = _widths(widths)
    return sum(a * b for a, b in pairwise(sizes))


def dense_bytes(widths: Sequence[int], *, batch_size: int = 1, weight_bytes: float = 4) -> float:
    """Count the bytes that a batch moves: all weights once, and each image in and out.

        B(n) = w (Σ_l d_(l-1) d_l) + 4 Σ_l d_l + 4 n (d_0 + d_L)

    Activations between layers are not counted, since they may stay in the processor's cache.

    Args:
        widths: d_0 … d_L, inputs first, at least two.
        batch_size: n, images per batch.
        weight_bytes: w, bytes per weight; biases, inputs and outputs have 4.

    Raises:
        ValueError: There are fewer than two widths, or a number is out of range.

    >>> dense_bytes([784, 128, 10])  # 4 · 101632 + 4 · 138 + 4 · 794
    410256.0
    """
    sizes = _widths(widths)
    weights = check_number("weight_bytes", weight_bytes, 0, open_low=True)
    ends = 4 * check_integer("batch_size", batch_size, 1) * (sizes[0] + sizes[-1])
    return float(weights * dense_multiplications(sizes) + 4 * sum(sizes[1:]) + ends)


def roofline_time(
    operations: float, traffic_bytes: float, *, operations_per_s: float, bytes_per_s: float
) -> float:
    """Return a lower bound on the time of a computation, given the machine's limits.

        t ≥ max(operations / P, bytes / β)

    A processor computes and moves data at the same time, so the slower of the two is the bound.

    Args:
        operations: Floating-point operations, at least 0.
        traffic_bytes: Bytes moved, at least 0.
        operations_per_s: P, peak operations per second, above 0.
        bytes_per_s: β, memory bandwidth in bytes per second, above 0.

    Returns:
        Seconds.

    Raises:
        ValueError: A number is out of range.

    Source: S. Williams, A. Waterman and D. Patterson, "Roofline: an insightful visual performance
    model for multicore architectures", Communications of the ACM 52(4), 2009.

    >>> roofline_time(8.0, 10.0, operations_per_s=4.0, bytes_per_s=2.0)  # 2 s or 5 s
    5.0
    """
    computing = check_number("operations", operations, 0) / check_number(
        "operations_per_s", operations_per_s, 0, open_low=True
    )
    moving = check_number("traffic_bytes", traffic_bytes, 0) / check_number(
        "bytes_per_s", bytes_per_s, 0, open_low=True
    )
    return max(computing, moving)


def device_time(
    operations: ArrayLike,
    traffic_bytes: ArrayLike,
    *,
    operations_per_s: ArrayLike,
    bytes_per_s: ArrayLike,
    call_s: ArrayLike = 0.0,
) -> Array:
    """Return the time of a call on a GPU or TPU: its start, and the roofline's bound.

        t = t_0 + max(operations / P, bytes / β)

    Args:
        operations: Floating-point operations of the call, at least 0; any shape.
        traffic_bytes: Bytes moved: the weights, once a call.
        operations_per_s: P, measured or published, above 0.
        bytes_per_s: β, above 0; infinite if it isn't known, as for a processor without a figure.
        call_s: t_0, copying to the device and starting its kernels.

    Returns:
        Seconds, in the arguments' common shape.

    Raises:
        ValueError: A number is out of range.

    >>> float(device_time(8.0, 10.0, operations_per_s=4.0, bytes_per_s=2.0, call_s=0.5))
    5.5
    """
    computing, moving = _parts(operations, traffic_bytes, operations_per_s, bytes_per_s)
    return np.asarray(check_array("call_s", call_s, low=0) + np.maximum(computing, moving))


def serial_time(
    operations: ArrayLike,
    traffic_bytes: ArrayLike,
    *,
    operations_per_s: ArrayLike,
    bytes_per_s: ArrayLike,
    call_s: ArrayLike = 0.0,
) -> Array:
    """Return the time of a call that reads and computes by turns, and never both at once.

        t = t_0 + operations / P + bytes / β

    The roofline assumes that reading hides behind computing, or the other way round. Code that
    waits for what it reads hides nothing. Its time is at most twice the roofline's, and exactly
    that where both take equally long; far from there the two agree.

    Args:
        operations: Floating-point operations of the call, at least 0; any shape.
        traffic_bytes: Bytes moved, at least 0.
        operations_per_s: P, above 0; infinite if computing costs nothing.
        bytes_per_s: β, above 0; infinite likewise.
        call_s: t_0, time of a call that doesn't depend on its size.

    Returns:
        Seconds, in the arguments' common shape.

    Raises:
        ValueError: A number is out of range.

    >>> float(serial_time(8.0, 10.0, operations_per_s=4.0, bytes_per_s=2.0, call_s=0.5))
    7.5
    """
    computing, moving = _parts(operations, traffic_bytes, operations_per_s, bytes_per_s)
    return np.asarray(check_array("call_s", call_s, low=0) + computing + moving)


def _parts(
    operations: ArrayLike,
    traffic_bytes: ArrayLike,
    operations_per_s: ArrayLike,
    bytes_per_s: ArrayLike,
) -> tuple[Array, Array]:
    """Return the seconds of computing and of moving."""
    peak = check_array("operations_per_s", operations_per_s, finite=False, low=0, open_low=True)
    bandwidth = check_array("bytes_per_s", bytes_per_s, finite=False, low=0, open_low=True)
    computing = check_array("operations", operations, low=0) / peak
    return computing, check_array("traffic_bytes", traffic_bytes, low=0) / bandwidth


def _widths(widths: Sequence[int]) -> list[int]:
    if len(widths) < 2:
        raise value_error("widths", received=f"{len(widths)}", expected="two or more")
    return [check_integer("width", width, 1) for width in widths]
