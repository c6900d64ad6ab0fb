"""GPTQ: rounding weights one after the other, while the others make up for the error so far.

Rounding to the nearest level treats every weight alike. But what counts is the layer's output, and
there an error of one weight can be undone by its neighbours, as far as their inputs go together.
Calibration data say how far.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.block_quantization import (
    BlockQuantized,
    BlockScheme,
    block_scales,
)
from deployworkbook.validation import (
    check_array,
    check_integer,
    check_number,
    describe,
    value_error,
)

Array = NDArray[np.float64]


def second_moments(inputs: ArrayLike) -> Array:
    """Return how far a layer's inputs go together, on average over calibration data.

        H = Xᵀ X / n

    Args:
        inputs: X, what the layer is given, shape ``[..., d]``, n rows in all.

    Returns:
        H, shape ``[d, d]``. Of several batches of equal size, take the mean.

    >>> second_moments([[1.0, 0.0], [1.0, 2.0]])
    array([[1., 1.],
           [1., 2.]])
    """
    rows = check_array("inputs", inputs, shape=(None,))
    flat = rows.reshape(-1, rows.shape[-1])
    return np.asarray(flat.T @ flat / len(flat))


def output_error(weights: ArrayLike, approximations: ArrayLike, moments: ArrayLike) -> float:
    """Return the squared error of a layer's outputs, on average over calibration data.

        1/n ‖X W - X Ŵ‖² = trace (W - Ŵ)ᵀ H (W - Ŵ)

    Args:
        weights: W, shape ``[d, outputs]``.
        approximations: Ŵ, the shape of ``weights``.
        moments: H, from ``second_moments``.

    Returns:
        The sum over all outputs, at least 0.

    Raises:
        ValueError: The shapes don't fit.

    >>> output_error([[1.0], [2.0]], [[2.0], [1.5]], [[1.0, 1.0], [1.0, 2.0]])  # (1 - 0.5)² + 0.5²
    0.5
    """
    w = check_array("weights", weights, ndim=2)
    missed = w - check_array("approximations", approximations, ndim=2, shape=w.shape)
    h = check_array("moments", moments, ndim=2, shape=(len(w), len(w)))
    return float(max(np.sum(missed * (h @ missed)), 0.0))


def gptq(
    weights: ArrayLike,
    moments: ArrayLike,
    *,
    bits: int,
    block_size: int = 32,
    scheme: BlockScheme = "symmetric",
    scale_bits: int = 16,
    search: bool = False,
    damping: float = 0.01,
    mask: ArrayLike | None = None,
) -> BlockQuantized:
    """Round a matrix in blocks such that the layer's outputs change little.

        for each input i:  q_i = round(w_i),  w_j ← w_j - (w_i - q_i) U_ij / U_ii  for all j > i

    U is the upper Cholesky factor of H⁻¹. The correction of the weights that aren't rounded yet is
    the one that adds the least to the output's squared error. A block's scales are chosen when it
    is reached, from its corrected weights.

    Args:
        weights: W, shape ``[inputs, outputs]``, as in x W.
        moments: H of the layer's inputs, from ``second_moments``.
        bits: From 2 to 8.
        block_size: Weights per block.
        scheme: ``"symmetric"`` or ``"asymmetric"``.
        scale_bits: 16 or 32, to which scales are rounded.
        search: Whether to look for each block's best scale.
        damping: Share of H's mean diagonal that is added to it, above 0: with little calibration
            data H is singular, or nearly so.
        mask: Weights to keep, True or False, the shape of ``weights``; the others become 0, and
            those that come later make up for that, too. By default all are kept.

    Returns:
        Integers, scales and zero points, as from ``quantize_blocks``.

    Raises:
        ValueError: A setting is out of range, the shapes don't fit, or ``moments`` is not a matrix
            of second moments.

    Source: E. Frantar, S. Ashkboos, T. Hoefler and D. Alistarh, "GPTQ: accurate post-training
    quantization for generative pre-trained transformers", ICLR 2023; with a mask: E. Frantar and
    D. Alistarh, "SparseGPT: massive language models can be accurately pruned in one-shot", ICML
    2023, there chosen on the way.

    >>> from deployworkbook.formulas.block_quantization import dequantize_blocks, quantize_blocks
    >>> weights = [[-4.0], [0.4], [0.4]]  # the scale is 1, so that both 0.4 are rounded to 0
    >>> together = [[1.0, 0.0, 0.0], [0.0, 1.0, 1.0], [0.0, 1.0, 1.0]]  # but their inputs are equal
    >>> dequantize_blocks(quantize_blocks(weights, bits=3, block_size=3)).ravel()
    array([-4.,  0.,  0.])
    >>> dequantize_blocks(gptq(weights, together, bits=3, block_size=3)).ravel()  # 0.8 in all
    array([-4.,  0.,  1.])
    """
    w = check_array("weights", weights, ndim=2).copy()
    inputs, outputs = w.shape
    kept = np.ones(w.shape, bool) if mask is None else _checked_mask(mask, w.shape)
    size = check_integer("block_size", block_size, 1)
    upper = _inverse_factor(moments, inputs, damping)
    blocks = -(-inputs // size)
    codes = np.zeros((outputs, blocks, size), np.uint8)
    scales = np.empty((outputs, blocks), np.float32)
    points = np.empty((outputs, blocks), np.uint8)
    for block in range(blocks):
        start, end = block * size, min((block + 1) * size, inputs)
        # The product is a copy: rows of w change while the block is rounded.
        block_weights = (w[start:end] * kept[start:end]).T
        scale, point = block_scales(
            block_weights, bits=bits, scheme=scheme, scale_bits=scale_bits, search=search
        )
        scales[:, block], points[:, block] = scale, point
        errors = np.empty((end - start, outputs))
        for row in range(start, end):
            code = np.clip(np.rint(w[row] / scale) + point, 0, (1 << bits) - 1)
            code = np.where(kept[row], code, point)
            codes[:, block, row - start] = code
            error = (w[row] - scale * (code - point)) / upper[row, row]
            w[row + 1 : end] -= upper[row, row + 1 : end, None] * error
            errors[row - start] = error
        # The rows after the block, all at once: one product of matrices is faster than many.
        w[end:] -= upper[start:end, end:].T @ errors
    return BlockQuantized(codes, scales, points, bits, inputs, scheme, scale_bits)


def _checked_mask(mask: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    kept = np.asarray(mask)
    if kept.dtype != np.bool_ or kept.shape != shape:
        raise value_error(
            "mask",
            received=describe(kept),
            expected=f"True or False for each weight, shape {shape}",
        )
    return kept


def _inverse_factor(moments: ArrayLike, inputs: int, damping: float) -> Array:
    """Return U, upper triangular, with H⁻¹ = Uᵀ U, of the damped H."""
    h = check_array("moments", moments, ndim=2, shape=(inputs, inputs)).copy()
    share = check_number("damping", damping, 0, open_low=True)
    expected = "symmetric and positive, as from second_moments"
    mean = float(np.diag(h).mean())
    if mean <= 0 or not np.allclose(h, h.T, rtol=1e-5, atol=1e-6 * mean):
        raise value_error("moments", received="another matrix", expected=expected)
    h[np.diag_indices(inputs)] += share * mean
    try:
        return np.asarray(np.linalg.cholesky(np.linalg.inv(h)).T)
    except np.linalg.LinAlgError:
        raise value_error("moments", received="another matrix", expected=expected) from None
