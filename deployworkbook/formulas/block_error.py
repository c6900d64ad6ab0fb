"""The error of block quantization: by block size, with and without outliers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.block_quantization import (
    BlockScheme,
    dequantize_blocks,
    quantize_blocks,
)
from deployworkbook.validation import check_array, check_number

Array = NDArray[np.float64]


def split_outliers(weights: ArrayLike, *, share: float) -> tuple[Array, Array]:
    """Take the weights of largest magnitude out of a matrix, so that the rest has a finer grid.

    Args:
        weights: W, any shape.
        share: Share of the weights to take out, from 0 to 1.

    Returns:
        W without outliers, which are 0, and the outliers alone, with 0 elsewhere; they sum to W.

    Raises:
        ValueError: ``share`` is out of range.

    Source: T. Dettmers et al., "SpQR: a sparse-quantized representation for near-lossless LLM
    weight compression", ICLR 2024.

    >>> split_outliers([0.1, -7.0, 0.2, 0.3], share=0.25)
    (array([0.1, 0. , 0.2, 0.3]), array([ 0., -7.,  0.,  0.]))
    """
    matrix = check_array("weights", weights)
    count = round(check_number("share", share, 0, 1) * matrix.size)
    largest = np.argsort(-np.abs(matrix), axis=None, kind="stable")[:count]
    apart = np.zeros(matrix.size)
    apart[largest] = matrix.ravel()[largest]
    return matrix - apart.reshape(matrix.shape), apart.reshape(matrix.shape)


def block_errors(
    weights: ArrayLike,
    block_sizes: Sequence[int],
    *,
    bits: int,
    scheme: BlockScheme = "symmetric",
    search: bool = False,
) -> Array:
    """Return the error of block quantization by block size.

        √(Σ (w - ŵ)² / Σ w²)

    Args:
        weights: W, shape ``[inputs, outputs]``, not all 0.
        block_sizes: Weights per block.
        bits: From 2 to 8.
        scheme: ``"symmetric"`` or ``"asymmetric"``.
        search: Whether to look for each block's best scale.

    Returns:
        Relative errors, shape ``[len(block_sizes)]``.

    Raises:
        ValueError: A setting is out of range.

    >>> weights = np.random.default_rng(0).normal(size=(1024, 16))
    >>> weights[5, 0] = 40.0  # one outlier widens the grid of all that share its scale
    >>> block_errors(weights, [16, 64, 256, 1024], bits=4).round(3)
    array([0.076, 0.104, 0.154, 0.261])
    """
    matrix = check_array("weights", weights, ndim=2)
    size = check_number(
        "the sum of the weights' squares", float((matrix**2).sum()), 0, open_low=True
    )
    errors = [
        matrix
        - dequantize_blocks(
            quantize_blocks(matrix, bits=bits, block_size=block, scheme=scheme, search=search)
        )
        for block in block_sizes
    ]
    return np.array([np.sqrt((error**2).sum() / size) for error in errors])
