"""Write the smallest LiteRT file: integer weights with one scale per layer, and no names.

A converter writes a scale per channel, names, signatures and notes about itself. They are little
compared with 400 kB of weights, but a fifth of a file of 5 kB. The files written here run in the
same interpreter with the same kernels: weights are integers, sums are integers or float32 as the
kernel chooses, activations are float32.
"""

from __future__ import annotations

import math
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import ArrayLike, NDArray

from deployworkbook.training.flatbuffer import to_flatbuffer
from deployworkbook.validation import check_array, check_choice, check_integer

# A bias becomes a multiple of a power of two, at most 32 times it, so that its bytes zip well.
BIAS_BITS = 6
# The power's exponent: a byte, and small enough that 128 steps of a bias are a float32 number.
LOWEST_EXPONENT, HIGHEST_EXPONENT = -128, 120


def lean_flatbuffer(model: Any, *, bits: int = 8, bias_bits: int = BIAS_BITS) -> bytes:
    """Write a perceptron as a LiteRT file without any superfluous bytes.

        q = round(w / s),  s as in ``grid_step``

    Args:
        model: A Keras model of dense layers.
        bits: Bits per weight: 8, or 4, which are packed in pairs.
        bias_bits: Bits per bias; biases stay float32, rounded to multiples of a power of two.

    Returns:
        Content of the file, which maps images to probabilities as the model does.

    Raises:
        ValueError: ``bits`` is neither 4 nor 8.
    """
    check_choice("bits", bits, [4, 8])
    check_integer("bias_bits", bias_bits, 2, 24)
    content = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(to_flatbuffer(model), 0))
    (graph,) = content.subgraphs
    for operator in graph.operators:
        code = content.operatorCodes[operator.opcodeIndex].builtinCode
        if code == schema.BuiltinOperator.FULLY_CONNECTED:
            _, weights, *bias = operator.inputs
            _write_integers(content, graph.tensors[weights], bits)
            # The converter leaves out a bias of zeros, and writes -1 for it.
            for tensor in (graph.tensors[index] for index in bias if index != -1):
                whole, exponent = whole_biases(_values(content, tensor), bias_bits)
                rounded = np.ldexp(whole, exponent).astype(np.float32)
                content.buffers[tensor.buffer].data = _bytes(rounded)
    _strip(content)
    builder = flatbuffers.Builder(1024)
    builder.Finish(content.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def grid_step(weights: NDArray[np.float32], bits: int) -> np.float32:
    """Return the step of the grid that weights are on; else that of the grid that spans them.

        s = max|w| / k, for the smallest k up to 2^(bits - 1) - 1 that makes all w / s whole

    Args:
        weights: Any shape.
        bits: Width of the integers.

    >>> float(grid_step(np.float32([0.5, -1.0, 0.0]), 4))
    0.5
    """
    highest = 2 ** (bits - 1) - 1
    largest = np.abs(weights).max()
    # Interpreters refuse a subnormal step; all weights are then 0, or practically 0.
    if largest / highest < np.finfo(np.float32).tiny:
        return np.float32(1.0)
    for count in range(1, highest + 1):
        steps = weights * (count / largest)
        # A product of two float32 has a relative error below 1e-7, and is at most 127.
        if np.abs(steps - np.round(steps)).max() < 1e-4:
            return np.float32(largest / count)
    return np.float32(largest / highest)


def whole_biases(biases: ArrayLike, bits: int = BIAS_BITS) -> tuple[NDArray[np.float64], int]:
    """Return biases as whole numbers of a power of two, and its exponent.

        b ≈ 2^k r,  k = ⌈log₂ max|b|⌉ - (bits - 1), from -128 to 120

    Args:
        biases: b, any shape.
        bits: Bits per bias: max|r| is at most 2^(bits - 1), except where k is at its end.

    Returns:
        r and k; k is 0 if all biases are.

    >>> whole_biases([0.25, -0.1, 0.0], bits=4)
    (array([ 8., -3.,  0.]), -5)
    """
    values = check_array("biases", biases)
    largest = float(np.abs(values).max())
    if largest == 0:
        return values, 0
    exponent = math.ceil(math.log2(largest)) - (bits - 1)
    exponent = max(LOWEST_EXPONENT, min(HIGHEST_EXPONENT, exponent))
    return np.asarray(np.round(np.ldexp(values, -exponent)), np.float64), exponent


def _write_integers(content: Any, tensor: Any, bits: int) -> None:
    weights = _values(content, tensor)
    step = grid_step(weights, bits)
    integers = np.round(weights / step).astype(np.int8).ravel()
    if bits == 4:
        pairs = np.append(integers, np.zeros(integers.size % 2, np.int8)).reshape(-1, 2) & 15
        integers = pairs[:, 0] | (pairs[:, 1] << 4)
    content.buffers[tensor.buffer].data = _bytes(integers)
    tensor.type = schema.TensorType.INT8 if bits == 8 else schema.TensorType.INT4
    tensor.quantization = schema.QuantizationParametersT()
    tensor.quantization.scale = np.array([step], np.float32)
    tensor.quantization.zeroPoint = np.array([0], np.int64)


def _strip(content: Any) -> None:
    """Remove everything that the interpreter does not read, and the buffers that only that used."""
    content.description = content.metadata = content.metadataBuffer = None
    content.signatureDefs = None
    (graph,) = content.subgraphs
    graph.name = None
    # The format's first buffer is always empty.
    kept = [0]
    for tensor in graph.tensors:
        tensor.name = tensor.shapeSignature = None
        if tensor.quantization is not None and tensor.quantization.scale is None:
            tensor.quantization = None
        if content.buffers[tensor.buffer].data is None:
            tensor.buffer = 0
        elif tensor.buffer not in kept:
            kept.append(tensor.buffer)
    for tensor in graph.tensors:
        tensor.buffer = kept.index(tensor.buffer)
    content.buffers = [content.buffers[index] for index in kept]


def _values(content: Any, tensor: Any) -> NDArray[np.float32]:
    data = np.asarray(content.buffers[tensor.buffer].data, dtype=np.uint8)
    values: NDArray[np.float32] = data.view(np.float32).reshape(tensor.shape)
    return values


def _bytes(array: NDArray[np.integer] | NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.frombuffer(array.tobytes(), dtype=np.uint8)
