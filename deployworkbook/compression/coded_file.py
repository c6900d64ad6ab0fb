"""A pruned, rounded perceptron in one small file, and back.

    4 bytes   DWNC
    1         version
    4         CRC-32 of all that follows
    1 + 1     side of the image (0 for none), number of layers
    2         inputs
    7 a layer outputs (2), the weights' step (float32), k of the biases' step 2^k (1)
    …         biases that the lanes have no room for, a byte each
    …         the lanes (``formulas.coded_lanes``), whose starting numbers carry the other biases

All numbers are little-endian. Nothing in the file is executed, and its sizes are checked before
memory and time are spent.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.compression.lean import (
    HIGHEST_EXPONENT,
    LOWEST_EXPONENT,
    grid_step,
    whole_biases,
)
from deployworkbook.compression.weight_coding import (
    BITS,
    HIGHEST,
    decode_kernels,
    encode_kernels,
    lanes_of,
    rows_of,
)
from deployworkbook.runtimes.numpy import NumPyPredictor
from deployworkbook.validation import check_array, check_integer, value_error

MAGIC = b"DWNC"
VERSION = 1
# What decoding a weight takes at most while its layer is read, and afterwards, in bytes.
WORKING_BYTES, KEPT_BYTES = 48, 5
BUDGET_BYTES = 32_000_000
# Rows of weights are decoded one after another, so their number bounds the time: half a minute.
MAX_ROWS = 100_000

_START = struct.Struct("<4sBI")
_SHAPE = struct.Struct("<BBH")
_LAYER = struct.Struct("<Hfb")


@dataclass(frozen=True, eq=False)
class IntegerLayer:
    """A dense layer of whole numbers.

        W = s q,  b = 2^k r

    Args:
        integers: q from -7 to 7, int8, shape ``[in, out]``.
        step: s, positive.
        bias_integers: r from -128 to 127, int8, shape ``[out]``.
        bias_exponent: k.
    """

    integers: NDArray[np.int8]
    step: np.float32
    bias_integers: NDArray[np.int8]
    bias_exponent: int

    @property
    def kernel(self) -> NDArray[np.float32]:
        """W, as the network computes with it."""
        return self.integers.astype(np.float32) * self.step

    @property
    def bias(self) -> NDArray[np.float32]:
        """b, as the network computes with it."""
        return np.ldexp(self.bias_integers.astype(np.float32), self.bias_exponent)


def integer_layers(parameters: Sequence[ArrayLike], *, bits: int = BITS) -> list[IntegerLayer]:
    """Take a perceptron's weights as whole numbers of a step; round them where they are not.

    Args:
        parameters: W_1, b_1, … W_L, b_L, as a Keras model's ``get_weights`` gives them.
        bits: Of the weights, from 2 to 4; ``grid_step`` finds the grid that they are on.

    Raises:
        ValueError: The parameters are not pairs of a kernel and a bias.

    >>> (layer,) = integer_layers([[[0.5, 0.0, -1.5]], [0.25, 0.0, 0.0]])
    >>> layer.integers.tolist(), float(layer.step), layer.bias.tolist()
    ([[1, 0, -3]], 0.5, [0.25, 0.0, 0.0])
    """
    check_integer("bits", bits, 2, BITS)
    if len(parameters) < 2 or len(parameters) % 2:
        expected = "a kernel and a bias per layer"
        raise value_error("parameters", received=f"{len(parameters)} arrays", expected=expected)
    layers = []
    for kernel, bias in zip(parameters[::2], parameters[1::2], strict=True):
        weights = check_array("kernel", kernel, ndim=2).astype(np.float32)
        step = grid_step(weights, bits)
        integers = np.round(weights / step).astype(np.int8)
        whole, k = whole_biases(check_array("bias", bias, ndim=1, shape=weights.shape[1:]))
        layers.append(IntegerLayer(integers, step, whole.clip(-128, 127).astype(np.int8), k))
    return layers


def encode_network(layers: Sequence[IntegerLayer]) -> bytes:
    """Write a network of whole numbers as one file.

    Args:
        layers: At least one; ``integer_layers`` makes them.

    Raises:
        ValueError: There is no layer or more than 255, one has more than 65,535 inputs or outputs,
            layers don't fit each other, they have more than 100,000 rows of weights, weights are
            beyond -7 … 7, or a number that a file can't hold.
    """
    shapes = [layer.integers.shape for layer in layers]
    fit = all(first[1] == second[0] for first, second in pairwise(shapes))
    if not 1 <= len(layers) <= 0xFF or not fit or not _all_within(shapes, 0xFFFF):
        expected = "1 to 255, of 1 to 65,535 inputs and outputs, that fit one after another"
        raise value_error("layers", received=str(shapes), expected=expected)
    _check_rows("layers", shapes)
    for layer in layers:
        if layer.integers.min() < -HIGHEST or layer.integers.max() > HIGHEST:
            expected = f"-{HIGHEST} to {HIGHEST}"
            raise value_error("weights", received="numbers beyond", expected=expected)
        check_array("bias_integers", layer.bias_integers, ndim=1, shape=layer.integers.shape[1:])
        check_integer("bias_exponent", layer.bias_exponent, LOWEST_EXPONENT, HIGHEST_EXPONENT)
        if not _is_step(float(layer.step)):
            expected = "a positive number of which seven fit in float32"
            raise value_error("step", received=f"{layer.step}", expected=expected)
    inputs = shapes[0][0]
    root = math.isqrt(inputs)
    side = root if root**2 == inputs else 0
    biases = np.concatenate([layer.bias_integers for layer in layers]).tobytes()
    room = 2 * lanes_of(shapes)
    carried = np.frombuffer(biases[:room].ljust(room, b"\0"), "<u2").astype(np.int64)
    kernels = [layer.integers for layer in layers]
    body = b"".join(
        [
            _SHAPE.pack(side, len(layers), inputs),
            *(
                _LAYER.pack(layer.integers.shape[1], layer.step, layer.bias_exponent)
                for layer in layers
            ),
            biases[room:],
            encode_kernels(kernels, side=side or None, carried=carried),
        ]
    )
    return _START.pack(MAGIC, VERSION, zlib.crc32(body)) + body


def decode_network(content: bytes, *, budget_bytes: int = BUDGET_BYTES) -> list[IntegerLayer]:
    """Read a network back from its file.

    Args:
        content: The file's bytes.
        budget_bytes: The memory that decoding may take at most.

    Raises:
        ValueError: It is no such file, of another version, damaged, or larger than the budget; or
            it has more than 100,000 rows of weights, which take too long.
    """
    body = _checked(content)
    try:
        side, count, inputs = _SHAPE.unpack_from(body)
        rows = list(_LAYER.iter_unpack(body[_SHAPE.size : _SHAPE.size + count * _LAYER.size]))
    except struct.error as error:
        raise _damaged("its sizes don't fit") from error
    if len(rows) != count or not count or not inputs or not all(row[0] for row in rows):
        raise _damaged("its sizes don't fit")
    if not all(_is_step(step) for _, step, _ in rows):
        raise _damaged("a step isn't a positive number of which seven fit in float32")
    if any(exponent > HIGHEST_EXPONENT for _, _, exponent in rows):
        raise _damaged("its biases don't fit in float32")
    if side and side * side != inputs:
        raise _damaged("its image doesn't fit")
    widths = [inputs, *(row[0] for row in rows)]
    shapes = list(pairwise(widths))
    sizes = [a * b for a, b in shapes]
    needed = WORKING_BYTES * max(sizes) + KEPT_BYTES * sum(sizes)
    if needed > check_integer("budget_bytes", budget_bytes, 1):
        raise value_error(
            "the coded network",
            received=f"one that takes {needed:,} bytes to decode",
            expected=f"at most {budget_bytes:,}",
            remedy="Raise budget_bytes if you trust the file.",
        )
    _check_rows("the coded network", shapes)
    outputs = sum(widths[1:])
    begin = _SHAPE.size + count * _LAYER.size
    rest = max(0, outputs - 2 * lanes_of(shapes))
    try:
        kernels, carried = decode_kernels(body[begin + rest :], shapes, side=side or None)
    except ValueError as error:
        raise _damaged(str(error)) from error
    stored = carried.astype("<u2").tobytes()[: outputs - rest] + body[begin : begin + rest]
    biases = np.split(np.frombuffer(stored, np.int8), np.cumsum(widths[1:-1]))
    return [
        IntegerLayer(kernel, np.float32(step), bias, exponent)
        for kernel, bias, (_, step, exponent) in zip(kernels, biases, rows, strict=True)
    ]


def load_coded(content: bytes, *, budget_bytes: int = BUDGET_BYTES) -> NumPyPredictor:
    """Make a coded network ready to predict, by NumPy.

    Args:
        content: What ``encode_network`` returned.
        budget_bytes: The memory that decoding may take at most.

    Returns:
        A predictor from images to probabilities, bit for bit that of the network encoded.

    Raises:
        ValueError: As ``decode_network``; or it takes no images of 28×28 pixels.
    """
    layers = decode_network(content, budget_bytes=budget_bytes)
    return NumPyPredictor([(layer.kernel, layer.bias) for layer in layers])


def _check_rows(name: str, shapes: Sequence[tuple[int, int]]) -> None:
    rows = rows_of(shapes)
    if rows > MAX_ROWS:
        received = f"{rows:,} rows of weights (inputs of the first layer, outputs of the others)"
        raise value_error(name, received=received, expected=f"at most {MAX_ROWS:,}")


def _all_within(shapes: Sequence[tuple[int, ...]], most: int) -> bool:
    return all(0 < number <= most for shape in shapes for number in shape)


def _is_step(step: float) -> bool:
    return math.isfinite(step) and 0 < step <= float(np.finfo(np.float32).max) / HIGHEST


def _checked(content: bytes) -> bytes:
    if len(content) < _START.size or content[:4] != MAGIC:
        raise value_error(
            "the coded network",
            received=f"{len(content)} bytes that begin with {content[:4]!r}",
            expected=f"a file that begins with {MAGIC!r}",
        )
    _, version, checksum = _START.unpack_from(content)
    if version != VERSION:
        remedy = "Read it with the version of deployworkbook that wrote it, or encode it again."
        raise value_error(
            "the coded network",
            received=f"version {version}",
            expected=f"version {VERSION}",
            remedy=remedy,
        )
    body = content[_START.size :]
    if zlib.crc32(body) != checksum:
        raise _damaged("its checksum differs")
    return body


def _damaged(reason: str) -> ValueError:
    return value_error(
        "the coded network",
        received=f"a damaged file: {reason}",
        expected="the bytes that encode_network wrote",
        remedy="Copy or encode it again.",
    )
