"""A ceiling per kernel: a decoder's time from what a runtime's own products reach.

The roofline's limits are those of a machine: the fastest product, the fastest read. A runtime's
kernels reach a part of them, and which part depends on how the weights are stored: int8 weights
are read and multiplied by other instructions than float32, and codes of 4 bits are unpacked first.
So each kernel gets its own two limits, fitted to times of products of other sizes than those that
are predicted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.roofline import serial_time
from deployworkbook.formulas.token_costs import StepWork
from deployworkbook.validation import check_array, check_integer, check_number, value_error

Array = NDArray[np.float64]


@dataclass(frozen=True)
class KernelCeiling:
    """What one kernel reaches: the limits of ``roofline.serial_time``.

    Args:
        operations_per_s: P, operations per second, above 0; infinite if none were seen.
        bytes_per_s: β, bytes of weights per second, above 0; infinite likewise.
    """

    operations_per_s: float
    bytes_per_s: float

    def __post_init__(self) -> None:
        for name in ("operations_per_s", "bytes_per_s"):
            check_array(name, getattr(self, name), finite=False, low=0, open_low=True)


@dataclass(frozen=True)
class DecoderCeiling:
    """What a runtime reaches with a decoder whose matrices are stored in one form.

    Args:
        product: Of the products with weights.
        cache_bytes_per_s: Bytes of the cache per second, above 0, in attention as a whole: keys
            and values are copied to make room for the new ones, and then multiplied.
        layer_s: Seconds per layer that are left where nothing is large: starting its operators,
            norms and additions.
    """

    product: KernelCeiling
    cache_bytes_per_s: float
    layer_s: float

    def __post_init__(self) -> None:
        check_number("cache_bytes_per_s", self.cache_bytes_per_s, 0, open_low=True)
        check_number("layer_s", self.layer_s, 0)


def fit_ceiling(
    operations: ArrayLike, traffic_bytes: ArrayLike, seconds: ArrayLike
) -> KernelCeiling:
    """Fit a kernel's two limits to measured times, such that relative errors are small.

        minimise over 1/P, 1/β ≥ 0:  Σ (1 - (F_i / P + B_i / β) / t_i)²

    Args:
        operations: F, of two or more measurements whose operations per byte differ, shape ``[m]``.
        traffic_bytes: B, bytes of weights that they read, above 0, shape ``[m]``.
        seconds: t, above 0, shape ``[m]``.

    Returns:
        The limits. One is infinite if the times show no sign of it.

    Raises:
        ValueError: Shapes differ, numbers are out of range, or all have the same intensity.

    >>> found = fit_ceiling([2e9, 32e9], [4e9, 4e9], [0.41, 0.56])  # 0.4 s for reading each
    >>> f"{found.operations_per_s:.2g} operations/s, {found.bytes_per_s:.2g} bytes/s"
    '2e+11 operations/s, 1e+10 bytes/s'
    """
    work = check_array("operations", operations, ndim=1, low=0, open_low=True)
    moved = check_array("traffic_bytes", traffic_bytes, ndim=1, low=0, open_low=True)
    times = check_array("seconds", seconds, ndim=1, low=0, open_low=True)
    if not work.shape == moved.shape == times.shape:
        raise value_error(
            "seconds",
            received=f"{work.size} operations, {moved.size} bytes and {times.size} times",
            expected="as many of each",
        )
    if np.ptp(work / moved) <= 1e-9 * (work / moved).max():
        raise value_error(
            "operations",
            received=f"{work[0] / moved[0]:.3g} operations per byte in all measurements",
            expected="at least two different intensities",
            remedy="Multiply the same weights with one vector and with many.",
        )
    terms = np.stack([work / times, moved / times], axis=1)
    inverse = np.linalg.lstsq(terms, np.ones(times.size), rcond=None)[0]
    for lost in (0, 1):
        if inverse[lost] < 0:
            kept = terms[:, 1 - lost]
            inverse = np.zeros(2)
            inverse[1 - lost] = kept.sum() / (kept**2).sum()
    limits = [float(1 / each) if each > 0 else np.inf for each in inverse]
    return KernelCeiling(*limits)


def decoder_seconds(work: StepWork, ceiling: DecoderCeiling, *, layers: int) -> Array:
    """Return the time of a decoder's step by the ceilings of a runtime's kernels.

        t = L t_l + F / P + weights / β + cache / β_c

    Products with weights, attention and all else come one after the other. F are the operations of
    the products with weights; those of attention are in β_c.

    Args:
        work: The step, from ``token_costs.step_work``, with the weights' bits, scales included.
        ceiling: What the runtime reaches.
        layers: L, layers of the decoder.

    Returns:
        Seconds, the shape of the work's arrays.

    Raises:
        ValueError: ``layers`` is below 1.

    >>> work = StepWork(*map(np.asarray, (2e9, 1e6, 4e9, 1e8, 1.0)))
    >>> ceiling = DecoderCeiling(KernelCeiling(1e11, 1e10), cache_bytes_per_s=2e9, layer_s=1e-3)
    >>> round(float(decoder_seconds(work, ceiling, layers=10)), 3)  # 0.01 + 0.02 + 0.4 + 0.05
    0.48
    """
    started = check_integer("layers", layers, 1) * ceiling.layer_s
    products = serial_time(
        work.matrix_operations,
        work.weight_bytes,
        operations_per_s=ceiling.product.operations_per_s,
        bytes_per_s=ceiling.product.bytes_per_s,
        call_s=started,
    )
    return np.asarray(products + work.cache_bytes / ceiling.cache_bytes_per_s)
