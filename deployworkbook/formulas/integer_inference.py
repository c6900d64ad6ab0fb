"""Integer-only inference: a dense layer in int8, as a processor without floating point runs it.

Products of int8 are summed in int32, and the sum is scaled back to int8 by an integer
multiplication and a shift. The results equal those of LiteRT's kernels bit for bit.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.quantization import Grid
from deployworkbook.validation import check_array, check_choice, describe, type_error, value_error

# How a sum is rounded to int8. LiteRT (2.3, on x86-64) has all three: its reference kernels round
# once, its optimised ones (ruy) twice, and XNNPACK, its default, computes in float32.
Rounding = Literal["single", "double", "float32"]
ROUNDINGS: tuple[Rounding, ...] = ("single", "double", "float32")
INT8, INT32 = np.iinfo(np.int8), np.iinfo(np.int32)


def integer_matmul(
    inputs: ArrayLike,
    weights: ArrayLike,
    *,
    input_zero_point: int = 0,
    weight_zero_point: int = 0,
) -> NDArray[np.int32]:
    """Multiply int8 matrices, summing in int32.

        Σ_k (x_mk - z_x) (w_kn - z_w) = Σ_k x_mk w_kn - z_w Σ_k x_mk - z_x Σ_k w_kn + K z_x z_w

    Kernels compute the right side: the zero points stay out of the inner loop, and the last two
    terms are known before any input arrives.

    Args:
        inputs: x, int8, shape ``[..., m, K]``.
        weights: w, int8, shape ``[K, n]``.
        input_zero_point: z_x, in -128 … 127.
        weight_zero_point: z_w, in -128 … 127; always 0 in LiteRT.

    Returns:
        int32, shape ``[..., m, n]``.

    Raises:
        TypeError: An argument does not hold integers.
        ValueError: An integer exceeds int8, the shapes do not match, or a sum exceeds int32.

    Source: B. Jacob et al., "Quantization and training of neural networks for efficient
    integer-arithmetic-only inference", CVPR 2018, equation 7.

    >>> integer_matmul([[1, 2]], [[3], [4]], input_zero_point=1)  # (1 - 1) · 3 + (2 - 1) · 4
    array([[4]], dtype=int32)
    """
    x = _check_int8("inputs", inputs, shape=(None, None))
    w = _check_int8("weights", weights, shape=(x.shape[-1], None))
    z_x = _check_int8("input_zero_point", input_zero_point)
    z_w = _check_int8("weight_zero_point", weight_zero_point)
    # In float64, because its matrix product is fast. It is exact for integers up to 2^53, which
    # would take a sum of 2^39 int8 products to exceed.
    products = x @ w
    sums = products - z_w * x.sum(axis=-1, keepdims=True) - z_x * w.sum(axis=-2)
    return _as_int32("sum", sums + x.shape[-1] * z_x * z_w)


def fixed_point(ratio: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Write positive numbers as a 31-bit integer and a shift.

        r ≈ q · 2^(shift - 31),  2^30 ≤ q < 2^31

    Args:
        ratio: r, any shape, from 2^-31 to below 2^30.

    Returns:
        q and shift, each the shape of ``ratio``; the error is at most r · 2^-31.

    Raises:
        ValueError: A number is out of range.

    Source: B. Jacob et al., 2018, equation 6.

    >>> multiplier, shift = fixed_point(0.375)  # 0.75 · 2^-1
    >>> int(multiplier) == 3 * 2**29, int(shift)
    (True, -1)
    """
    ratios = check_array("ratio", ratio)
    if ratios.min() < 2.0**-31 or ratios.max() >= 2.0**30:
        raise value_error(
            "ratio",
            received=f"values from {ratios.min():g} to {ratios.max():g}",
            expected="numbers from 2^-31 to below 2^30",
            remedy="Choose an output scale nearer to the input's times the weights'.",
        )
    fraction, shift = np.frexp(ratios)
    multiplier = np.floor(fraction * 2.0**31 + 0.5).astype(np.int64)
    carried = multiplier == 1 << 31
    return np.where(carried, 1 << 30, multiplier), np.where(carried, shift + 1, shift).astype(
        np.int64
    )


def multiply_fixed_point(
    values: ArrayLike,
    multiplier: ArrayLike,
    shift: ArrayLike,
    *,
    rounding: Literal["single", "double"] = "single",
) -> NDArray[np.int32]:
    """Multiply integers by numbers in fixed point, and round.

        single: ⌊x q / 2^(31 - shift) + ½⌋
        double: ⌊⌊x q / 2^(31 - left) + ½⌋ / 2^right + ½⌋,
                left = max(shift, 0),  right = max(-shift, 0)

    The inner step of ``double`` is a single instruction on ARM (a "saturating rounding doubling
    high multiply"), which is why it was chosen first. Rounding twice is off by one where the first
    rounding produces a half. (In the second step the paper's library, gemmlowp, rounds a negative
    half away from zero, LiteRT's kernel up.)

    Args:
        values: x, integers within int32.
        multiplier: q from ``fixed_point``; broadcasts against ``values``.
        shift: The shift from ``fixed_point``.
        rounding: ``"single"`` or ``"double"``.

    Returns:
        int32, the shape of ``values``.

    Raises:
        TypeError: An argument does not hold integers.
        ValueError: ``rounding`` is unknown, or a result exceeds int32.

    >>> q, shift = fixed_point(0.0625)
    >>> multiply_fixed_point([7, 8, -8], q, shift)  # 0.4375, 0.5 and -0.5
    array([0, 1, 0], dtype=int32)
    """
    x, q, exponent = (
        _check_integers(name, value).astype(np.int64)
        for name, value in (("values", values), ("multiplier", multiplier), ("shift", shift))
    )
    product = _as_int32("values", x).astype(np.int64) * q
    if check_choice("rounding", rounding, ("single", "double")) == "single":
        rounded = _shift_right(product, 31 - exponent)
    else:
        high = _shift_right(product, 31 - np.maximum(exponent, 0))
        rounded = _shift_right(high, np.maximum(-exponent, 0))
    return _as_int32("product", rounded)


def integer_dense(
    inputs: ArrayLike,
    weights: ArrayLike,
    bias: ArrayLike,
    *,
    input_grid: Grid,
    weight_grid: Grid,
    output_grid: Grid,
    rounding: Rounding = "single",
    relu: bool = False,
) -> NDArray[np.int8]:
    """Run a dense layer in integers.

        a = Σ_k (x_k - z_x) w_kn + b_n
        y = clip(round(a · s_x s_w / s_y) + z_y, low, high)

    Args:
        inputs: x, int8, shape ``[..., m, K]``.
        weights: w, int8, shape ``[K, n]`` as in Keras (LiteRT keeps ``[n, K]``).
        bias: b, int32 in steps of s_x s_w, shape ``[n]``.
        input_grid: s_x and z_x, one per tensor.
        weight_grid: s_w, one per tensor or one per output; its zero point is 0.
        output_grid: s_y, z_y, low and high, one per tensor.
        rounding: As in ``multiply_fixed_point``, or ``"float32"`` for XNNPACK's arithmetic: the
            sum times a float32 ratio, halves rounded to even.
        relu: Whether to set negative outputs to 0, by ``low = z_y``.

    Returns:
        int8, shape ``[..., m, n]``.

    Raises:
        TypeError: An argument does not hold integers.
        ValueError: Shapes, ranges or grids do not match.

    Source: B. Jacob et al., 2018, section 2.

    >>> unit = Grid(np.array(1.0), np.array(0), -128, 127)
    >>> tenth = Grid(np.array(10.0), np.array(-128), -128, 127)
    >>> grids = dict(input_grid=unit, weight_grid=unit, output_grid=tenth)
    >>> integer_dense([[100, 50]], [[2], [3]], [6], **grids)  # 356 is 35.6 steps: 36 - 128
    array([[-92]], dtype=int8)
    """
    _one_scale("input_grid", input_grid)
    _one_scale("output_grid", output_grid)
    if weight_grid.zero_point.any():
        raise value_error(
            "weight_grid",
            received="a zero point other than 0",
            expected="a symmetric grid",
            remedy="Quantize the weights with the symmetric scheme.",
        )
    sums = integer_matmul(inputs, weights, input_zero_point=input_grid.zero_point.item())
    offset = _check_integers("bias", bias)
    check_array("bias", offset, ndim=1, shape=(sums.shape[-1],))
    total = _as_int32("sum", sums.astype(np.int64) + offset)
    weight_scale = weight_grid.scale.reshape(-1)
    if weight_scale.size not in (1, sums.shape[-1]):
        raise value_error(
            "weight_grid",
            received=f"{weight_scale.size} scales",
            expected=f"1 or {sums.shape[-1]}, one per output",
        )
    check_choice("rounding", rounding, ROUNDINGS)
    if rounding == "float32":
        scales = (input_grid.scale, weight_scale, output_grid.scale)
        s_x, s_w, s_y = (np.asarray(scale, dtype=np.float32) for scale in scales)
        scaled = np.rint(total.astype(np.float32) * (s_x * s_w / s_y)).astype(np.int64)
    else:
        multiplier, shift = fixed_point(input_grid.scale * weight_scale / output_grid.scale)
        product = multiply_fixed_point(total, multiplier, shift, rounding=rounding)
        scaled = product.astype(np.int64)
    zero_point = output_grid.zero_point.item()
    low = max(output_grid.low, zero_point) if relu else output_grid.low
    return _check_int8("output", np.clip(scaled + zero_point, low, output_grid.high)).astype(
        np.int8
    )


def _shift_right(values: NDArray[np.int64], bits: NDArray[np.int64]) -> NDArray[np.int64]:
    """``⌊values / 2^bits + ½⌋``."""
    half = np.where(bits > 0, np.left_shift(1, np.maximum(bits - 1, 0)), 0)
    return np.asarray(np.right_shift(values + half, bits))


def _check_integers(name: str, value: ArrayLike) -> NDArray[np.integer]:
    array = np.asarray(value)
    if array.dtype.kind not in "ui" or array.size == 0:
        raise type_error(name, received=describe(array), expected="whole numbers")
    return array


def _check_int8(
    name: str, value: ArrayLike, *, shape: tuple[int | None, ...] | None = None
) -> NDArray[np.float64]:
    array = _check_integers(name, value)
    if array.min() < INT8.min or array.max() > INT8.max:
        received = f"values from {array.min()} to {array.max()}"
        raise value_error(
            name, received=received, expected=f"integers from {INT8.min} to {INT8.max}"
        )
    return check_array(name, array, shape=shape)


def _as_int32(name: str, values: NDArray[np.int64] | NDArray[np.float64]) -> NDArray[np.int32]:
    if values.min() < INT32.min or values.max() > INT32.max:
        received = f"values from {values.min():.0f} to {values.max():.0f}"
        raise value_error(name, received=received, expected="integers that fit into int32")
    return values.astype(np.int32)


def _one_scale(name: str, grid: Grid) -> None:
    if grid.scale.size != 1:
        raise value_error(name, received=f"{grid.scale.size} scales", expected="one per tensor")
