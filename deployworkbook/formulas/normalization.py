"""Norms: keep the numbers that pass between layers at the same scale."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array, check_number

Array = NDArray[np.float64]


def rms_norm(rows: ArrayLike, scale: ArrayLike, *, epsilon: float = 1e-5) -> Array:
    """Divide each row by its root mean square.

        y = x / √(mean(x²) + ε) · s

    Args:
        rows: x, shape ``[..., d]``.
        scale: s, shape ``[d]``.
        epsilon: ε, at least 0, which keeps a row of zeros from dividing by 0.

    Returns:
        The shape of ``rows``.

    Raises:
        ValueError: The widths differ, or ``epsilon`` is negative.

    Source: B. Zhang and R. Sennrich, "Root mean square layer normalization", NeurIPS 2019.

    >>> rms_norm([7.0, 1.0], [1.0, 10.0], epsilon=0.0)  # √((49 + 1) / 2) = 5
    array([1.4, 2. ])
    """
    x = check_array("rows", rows, shape=(None,), keep_float32=True)
    s = check_array("scale", scale, ndim=1, shape=(x.shape[-1],), keep_float32=True)
    mean_square = np.square(x).mean(axis=-1, keepdims=True)
    return np.asarray(
        x / np.sqrt(mean_square + x.dtype.type(check_number("epsilon", epsilon, 0))) * s
    )


def layer_norm(
    rows: ArrayLike, scale: ArrayLike, bias: ArrayLike, *, epsilon: float = 1e-5
) -> Array:
    """Subtract each row's mean, and divide by its standard deviation.

        y = (x - mean(x)) / √(var(x) + ε) · s + b

    Args:
        rows: x, shape ``[..., d]``.
        scale: s, shape ``[d]``.
        bias: b, shape ``[d]``.
        epsilon: ε, at least 0.

    Returns:
        The shape of ``rows``.

    Raises:
        ValueError: The widths differ, or ``epsilon`` is negative.

    Source: J. L. Ba, J. R. Kiros and G. Hinton, "Layer normalization", arXiv:1607.06450, 2016.

    >>> layer_norm([1.0, 5.0], [1.0, 10.0], [0.0, 3.0], epsilon=0.0)  # mean 3, deviation 2
    array([-1., 13.])
    """
    x = check_array("rows", rows, shape=(None,), keep_float32=True)
    b = check_array("bias", bias, ndim=1, shape=(x.shape[-1],), keep_float32=True)
    centred = x - x.mean(axis=-1, keepdims=True)
    return rms_norm(centred, scale, epsilon=epsilon) + b
