"""Rotary positions: turning queries and keys by angles, so that only distances matter."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array, check_number, value_error

Array = NDArray[np.float64]


def rotate(rows: ArrayLike, positions: ArrayLike, *, base: float = 10_000.0) -> Array:
    """Turn pairs of numbers by angles that grow with the position.

        (a, b) → (a cos φ - b sin φ, a sin φ + b cos φ),  φ = p b^(-2i/e)

    The first pair (i = 0) turns by 1 radian per position, the last ones hardly at all. The dot
    product of two turned vectors depends on the difference of their angles, so a score depends on
    how far apart query and key are, not on where they are. Pair i consists of the numbers i and
    i + e/2, as in Llama's released weights and in ONNX's RotaryEmbedding.

    Args:
        rows: Queries or keys, shape ``[..., positions, e]``, e even.
        positions: p, the number of each position in its sequence, shape ``[positions]``.
        base: b, above 1; 10,000 by default, 500,000 in Llama 3.

    Returns:
        The shape of ``rows``. Lengths are unchanged.

    Raises:
        ValueError: e is odd, or the shapes differ.

    Source: J. Su et al., "RoFormer: enhanced transformer with rotary position embedding",
    arXiv:2104.09864, 2021.

    >>> rotate([[1.0, 0.0], [1.0, 0.0]], [0, 1]).round(4)  # by 0, and by 1 radian
    array([[1.    , 0.    ],
           [0.5403, 0.8415]])
    """
    x = check_array("rows", rows, shape=(None, None), keep_float32=True)
    places = check_array("positions", positions, ndim=1, shape=(x.shape[-2],))
    width = x.shape[-1]
    if width % 2:
        raise value_error("rows", received=f"a width of {width}", expected="an even width")
    half = width // 2
    steps = check_number("base", base, 1, open_low=True) ** (-np.arange(half) / half)
    angles = places[:, None] * steps
    cosine, sine = np.cos(angles).astype(x.dtype), np.sin(angles).astype(x.dtype)
    first, second = x[..., :half], x[..., half:]
    return np.concatenate([first * cosine - second * sine, first * sine + second * cosine], axis=-1)
