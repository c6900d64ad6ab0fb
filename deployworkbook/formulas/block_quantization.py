"""Block quantization: weights of few bits, with a scale for every few of them.

A single large weight widens the grid of everything that shares its scale. So a matrix is cut into
blocks of 16 to 256 weights along its inputs, and each block gets a scale of its own. That costs
bits, too: ``bits_per_weight`` counts them.

Weights of float32 are rounded in float32, which halves the memory that a large matrix needs.

Codes, scales and zero points are laid out as ONNX Runtime's operator ``MatMulNBits`` reads them,
once ``packed_codes.pack_codes`` has packed the codes and zero points into bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.packed_codes import packed_bytes
from deployworkbook.validation import check_array, check_choice, check_integer, check_number

Array = NDArray[np.float64]
BlockScheme = Literal["symmetric", "asymmetric"]
BLOCK_SCHEMES: tuple[BlockScheme, ...] = ("symmetric", "asymmetric")
SCALE_DTYPES: dict[int, np.dtype[np.floating[Any]]] = {
    16: np.dtype(np.float16),
    32: np.dtype(np.float32),
}
# Shrunken scales that ``search`` tries: rounding gets finer, but the largest weights are clipped.
SHRINKS = np.linspace(1.0, 0.6, 21)


@dataclass(frozen=True, eq=False)
class BlockQuantized:
    """A matrix W, ``[inputs, outputs]``, as integers in blocks: W ≈ scale · (code - zero point).

    Args:
        codes: Integers from 0 to 2^bits - 1, uint8, shape ``[outputs, blocks, block_size]``; the
            last block is filled up with codes of 0 if the inputs don't fill it.
        scales: Steps, float32, shape ``[outputs, blocks]``; some may be negative.
        zero_points: Codes that stand for 0, uint8, shape ``[outputs, blocks]``.
        bits: Bits per code.
        inputs: Rows of W.
        scheme: ``"symmetric"``: all zero points are 2^(bits - 1) and need not be stored.
        scale_bits: Bits in which a scale is stored, 16 or 32.
    """

    codes: NDArray[np.uint8]
    scales: NDArray[np.float32]
    zero_points: NDArray[np.uint8]
    bits: int
    inputs: int
    scheme: BlockScheme = "symmetric"
    scale_bits: int = 16

    @property
    def block_size(self) -> int:
        """Weights per block."""
        return int(self.codes.shape[-1])

    @property
    def size_bytes(self) -> int:
        """Bytes of packed codes, scales and, unless symmetric, packed zero points."""
        outputs, blocks, size = self.codes.shape
        points = (
            outputs * packed_bytes(blocks, bits=self.bits) if self.scheme == "asymmetric" else 0
        )
        codes = outputs * blocks * packed_bytes(size, bits=self.bits)
        return int(codes + self.scales.size * self.scale_bits // 8 + points)


def bits_per_weight(
    bits: float,
    block_size: float,
    *,
    scale_bits: float = 16.0,
    zero_point_bits: float = 0.0,
    outlier_share: float = 0.0,
    outlier_bits: float = 32.0,
) -> float:
    """Return the bits that a weight takes, with its share of its block's scale and zero point.

        b + (b_s + b_z) / g + o b_o

    Args:
        bits: b, bits per code.
        block_size: g, weights per block, at least 1.
        scale_bits: b_s, bits per scale.
        zero_point_bits: b_z, bits per zero point; 0 in the symmetric scheme.
        outlier_share: o, share of the weights that are stored apart as well.
        outlier_bits: b_o, bits of each of those: value and place.

    Raises:
        ValueError: A number is out of range.

    >>> bits_per_weight(4, 32), bits_per_weight(4, 128, zero_point_bits=4)
    (4.5, 4.15625)
    """
    b = check_number("bits", bits, 0, open_low=True)
    extra = check_number("scale_bits", scale_bits, 0) + check_number(
        "zero_point_bits", zero_point_bits, 0
    )
    apart = check_number("outlier_share", outlier_share, 0, 1) * check_number(
        "outlier_bits", outlier_bits, 0
    )
    return b + extra / check_number("block_size", block_size, 1) + apart


def block_scales(
    blocks: ArrayLike,
    *,
    bits: int,
    scheme: BlockScheme = "symmetric",
    scale_bits: int = 16,
    search: bool = False,
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Choose the scale and the zero point of each block.

        symmetric:  s = -m / 2^(b-1),  z = 2^(b-1),  where m is the weight of largest magnitude
        asymmetric: s = (high - low) / (2^b - 1),  z = round(-low / s),  the range containing 0

    In the symmetric scheme the largest weight gets code 0, whichever its sign, because there are
    more codes below the zero point than above it. So no code is wasted, as in ONNX Runtime.

    Args:
        blocks: Shape ``[..., block_size]``.
        bits: b, from 2 to 8.
        scheme: ``"symmetric"`` or ``"asymmetric"``.
        scale_bits: Precision to which scales are rounded, 16 or 32.
        search: Whether to try smaller scales, too, and take the one with the smallest squared
            error per block. A few clipped weights are often better than coarse steps for all.

    Returns:
        Scales and zero points, shape ``[...]``.

    Raises:
        ValueError: A setting is out of range.

    >>> scales, zero_points = block_scales([[8.0, -1.0], [1.0, -8.0]], bits=4)
    >>> scales.tolist(), zero_points.tolist()
    ([-1.0, 1.0], [8, 8])
    """
    values = check_array("blocks", blocks, shape=(None,), keep_float32=True)
    count = 1 << check_integer("bits", bits, 2, 8)
    kind = SCALE_DTYPES[check_choice("scale_bits", scale_bits, list(SCALE_DTYPES))]
    if check_choice("scheme", scheme, BLOCK_SCHEMES) == "symmetric":
        place = np.abs(values).argmax(axis=-1, keepdims=True)
        full = -np.take_along_axis(values, place, axis=-1)[..., 0] / (count // 2)
        low = None
    else:
        low = np.minimum(values.min(axis=-1), 0.0)
        full = (np.maximum(values.max(axis=-1), 0.0) - low) / (count - 1)

    def candidate(shrink: float) -> tuple[Array, Array]:
        # A scale that rounds to 0, or beyond the largest number, stands for nothing.
        limit = float(np.finfo(kind).max)
        scale = np.clip(full * shrink, -limit, limit).astype(kind).astype(values.dtype)
        scale = np.where(scale == 0, 1.0, scale)
        if low is None:
            return scale, np.full(scale.shape, count // 2, values.dtype)
        return scale, np.clip(np.rint(-shrink * low / scale), 0, count - 1)

    best, points = candidate(1.0)
    if search:
        least = _squared_error(values, best, points, count)
        for shrink in SHRINKS[1:]:
            scale, point = candidate(float(shrink))
            error = _squared_error(values, scale, point, count)
            better = error < least
            best, points = np.where(better, scale, best), np.where(better, point, points)
            least = np.minimum(error, least)
    return best.astype(np.float32), points.astype(np.uint8)


def quantize_blocks(
    weights: ArrayLike,
    *,
    bits: int,
    block_size: int = 32,
    scheme: BlockScheme = "symmetric",
    scale_bits: int = 16,
    search: bool = False,
) -> BlockQuantized:
    """Round a matrix to integers of few bits, each block along its inputs on a grid of its own.

        q = clip(round(w / s) + z, 0, 2^b - 1)

    Args:
        weights: W, shape ``[inputs, outputs]``, as in x W.
        bits: b, from 2 to 8. ``MatMulNBits`` reads 2, 4 and 8.
        block_size: Weights per block; ``MatMulNBits`` takes powers of two from 16.
        scheme: ``"symmetric"`` or ``"asymmetric"``, see ``block_scales``.
        scale_bits: 16 or 32, to which scales are rounded before weights are.
        search: Whether to look for each block's best scale.

    Returns:
        The integers, scales and zero points.

    Raises:
        ValueError: A setting is out of range, or ``weights`` is not a matrix.

    Source: T. Dettmers et al., "8-bit optimizers via block-wise quantization", ICLR 2022, and
    "QLoRA", NeurIPS 2023.

    >>> quantized = quantize_blocks([[8.0], [-1.0], [0.5], [0.2]], bits=4, block_size=2)
    >>> quantized.codes.tolist(), quantized.scales.tolist()  # 8 stands for 0
    ([[[0, 9], [0, 5]]], [[-1.0, -0.0625]])
    """
    matrix = check_array("weights", weights, ndim=2, keep_float32=True)
    size = check_integer("block_size", block_size, 1)
    blocks = _blocks(matrix, size)
    scales, points = block_scales(
        blocks, bits=bits, scheme=scheme, scale_bits=scale_bits, search=search
    )
    codes = np.clip(_rounded(blocks, scales, points), 0, (1 << bits) - 1).astype(np.uint8)
    codes.reshape(matrix.shape[1], -1)[:, len(matrix) :] = 0
    return BlockQuantized(codes, scales, points, bits, len(matrix), scheme, scale_bits)


def dequantize_blocks(quantized: BlockQuantized) -> Array:
    """Return the matrix that the integers stand for.

        ŵ = s (q - z)

    Args:
        quantized: From ``quantize_blocks``.

    Returns:
        Shape ``[inputs, outputs]``.

    >>> dequantize_blocks(quantize_blocks([[8.0], [-1.4], [3.0]], bits=4, block_size=4))
    array([[ 8.],
           [-1.],
           [ 3.]])
    """
    steps = quantized.codes - quantized.zero_points[..., None].astype(np.float64)
    rows = (steps * quantized.scales[..., None]).reshape(len(quantized.codes), -1)
    return np.ascontiguousarray(rows[:, : quantized.inputs].T)


def _blocks(matrix: Array, size: int) -> Array:
    """Return [outputs, blocks, size]; zeros fill up the last block, which never widen a range."""
    filled = np.pad(matrix.T, ((0, 0), (0, -len(matrix) % size)))
    return filled.reshape(matrix.shape[1], -1, size)


def _rounded(blocks: Array, scales: ArrayLike, points: ArrayLike) -> Array:
    steps = np.rint(blocks / np.asarray(scales)[..., None])
    return np.asarray(steps + np.asarray(points)[..., None])


def _squared_error(blocks: Array, scales: Array, points: Array, count: int) -> Array:
    codes = np.clip(_rounded(blocks, scales, points), 0, count - 1)
    steps = codes - points[..., None]
    error = blocks - scales[..., None] * steps
    return np.asarray((error**2).sum(axis=-1))
