"""The softmax of int8 logits as LiteRT computes it: by table, since there are 256 exponents."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.quantization import Grid
from deployworkbook.validation import check_array, describe, type_error, value_error

INT8 = np.iinfo(np.int8)


def integer_softmax(logits: ArrayLike, *, logit_grid: Grid, output_grid: Grid) -> NDArray[np.int8]:
    """Turn int8 logits into int8 probabilities.

        p_k = T[m - q_k] / Σ_j T[m - q_j],  T[i] = e^(-s i),  m = max q

    The zero point cancels, as does any number added to all logits. The table and the sums are
    float32, and the results equal those of LiteRT's kernel on x86-64 bit for bit.

    Args:
        logits: q, int8, shape ``[..., classes]``.
        logit_grid: s, one per tensor.
        output_grid: Grid of the probabilities; in LiteRT always steps of 1/256 from -128.

    Returns:
        int8, the shape of ``logits``.

    Raises:
        TypeError: The logits are not whole numbers.
        ValueError: The logits exceed int8, or a grid has several scales.

    >>> steps = Grid(np.array(1 / 256), np.array(-128), -128, 127)
    >>> log2 = Grid(np.array(np.log(2)), np.array(0), -128, 127)  # a step doubles the odds
    >>> integer_softmax([1, 0, 0], logit_grid=log2, output_grid=steps)  # 1/2, 1/4 and 1/4
    array([  0, -64, -64], dtype=int8)
    """
    array = np.asarray(logits)
    if array.dtype.kind not in "ui":
        raise type_error("logits", received=describe(array), expected="whole numbers")
    values = check_array("logits", array, shape=(None,))
    if values.min() < INT8.min or values.max() > INT8.max:
        received = f"values from {values.min():.0f} to {values.max():.0f}"
        raise value_error(
            "logits", received=received, expected=f"integers from {INT8.min} to {INT8.max}"
        )
    for name, grid in (("logit_grid", logit_grid), ("output_grid", output_grid)):
        if grid.scale.size != 1:
            raise value_error(name, received=f"{grid.scale.size} scales", expected="one per tensor")
    step = np.float32(logit_grid.scale.item())
    table = np.exp(-step * np.arange(256, dtype=np.float32))
    powers = table[(values.max(axis=-1, keepdims=True) - values).astype(np.int64)]
    # Add from the first class to the last, as the kernel does; NumPy's sum adds in pairs.
    total = np.cumsum(powers, axis=-1, dtype=np.float32)[..., -1:]
    steps = powers * (np.float32(1.0) / (total * np.float32(output_grid.scale.item())))
    rounded = np.rint(steps) + output_grid.zero_point
    return np.asarray(np.clip(rounded, output_grid.low, output_grid.high), dtype=np.int8)
