"""Dynamic quantization: activations are rounded at run time, each input on its own grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.integer_inference import integer_matmul
from deployworkbook.formulas.quantization import Scheme, make_grid, quantize
from deployworkbook.validation import check_array


def dynamic_dense(
    inputs: ArrayLike,
    weights: ArrayLike,
    bias: ArrayLike,
    *,
    scale: ArrayLike,
    relu: bool = False,
    bits: int = 8,
    scheme: Scheme = "asymmetric",
) -> NDArray[np.float64]:
    """Run a dense layer of stored integers on inputs that are rounded row by row.

        y = s_x s_w Σ_k (q_k - z) w_kn + b_n,  with s_x and z from the row's own range

    LiteRT computes so where a file has integer weights and float activations: sums of integers are
    cheaper than sums of floats, and no calibration images are needed. The price is one rounding of
    each activation, so the answer differs a little from what the stored weights say.

    Args:
        inputs: Real numbers, shape ``[n, K]``.
        weights: w, int8, shape ``[K, m]``.
        bias: b, real numbers, shape ``[m]``.
        scale: s_w, the weights' step: one number, or one per output.
        relu: Whether to set negative outputs to 0.
        bits: Of the rounded inputs, from 2 to 8.
        scheme: As in ``make_grid``. XNNPACK, which runs most layers for LiteRT, rounds the range
            from the minimum to the maximum (``"asymmetric"``). LiteRT's own kernels take the layers
            that XNNPACK leaves, such as 4-bit weights of an odd number of inputs, and round the
            range from -max to max (``"symmetric"``).

    Returns:
        Shape ``[n, m]``.

    Raises:
        TypeError: The weights aren't integers.
        ValueError: Shapes don't match, or ``bits`` is out of range.

    Source: LiteRT's documentation of dynamic range quantization; XNNPACK's kernels ``qd8-qc4w``.

    >>> dynamic_dense([[0.0, 100.4, 255.0]], [[1], [1], [0]], [0.5], scale=1.0)  # 100.4 becomes 100
    array([[100.5]])
    """
    values = check_array("inputs", inputs, ndim=2)
    integers = np.asarray(weights)
    offset = check_array("bias", bias, ndim=1, shape=integers.shape[1:])
    low, high = (end(values, axis=1, keepdims=True) for end in (np.min, np.max))
    grid = make_grid(low, high, bits=bits, scheme=scheme)
    # Σ (q - z) w = Σ q w - z Σ w, so one product of int8 matrices serves rows of any zero point.
    sums = integer_matmul(quantize(values, grid), integers)
    sums = sums - grid.zero_point * integers.sum(axis=0, dtype=np.int64)
    outputs = grid.scale * check_array("scale", scale) * sums + offset
    return np.asarray(np.maximum(outputs, 0) if relu else outputs)
