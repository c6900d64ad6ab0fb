"""Repair the channel scales of a LiteRT file that no interpreter accepts or that cut off biases.

After pruning, an output channel may contain only zeros. A quantizer may then choose a scale of 0,
which no interpreter accepts, or one so small that the channel's bias, an int32 in steps of
``input scale · weight scale``, is cut off at the end of its range.
"""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

# Bits per weight, by integer type.
BITS = {
    schema.TensorType.INT8: 8,
    schema.TensorType.INT4: 4,
    schema.TensorType.INT2: 2,
}
# A bias may use half of int32's range; sums of products need the other half.
LARGEST_BIAS = 2.0**30
WITH_BIAS = {
    schema.BuiltinOperator.FULLY_CONNECTED,
    schema.BuiltinOperator.CONV_2D,
    schema.BuiltinOperator.DEPTHWISE_CONV_2D,
}


def with_usable_scales(content: bytes, original: bytes) -> bytes:
    """Replace scales that are 0, subnormal or infinite, and those under which a bias overflows.

        s' = max(s, |b| / (s_input · 2^30)),  q = round(w / s'),  q_bias = round(b / (s_input · s'))

    A scale that float32 cannot divide by is replaced by that of the layer's widest channel, or by
    1; the channel's weights are then all 0.

    Args:
        content: Content of a quantized LiteRT file.
        original: Content of the float32 file that it was made from, with the same tensor names.

    Returns:
        Content of the repaired file; ``content`` itself if nothing was wrong.
    """
    file = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
    source = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(original, 0))
    floats = {
        tensor.name: _floats(source, tensor)
        for tensor in source.subgraphs[0].tensors
        if tensor.type == schema.TensorType.FLOAT32
        and source.buffers[tensor.buffer].data is not None
    }
    (graph,) = file.subgraphs
    biases = _integer_biases(file, graph)
    has_changed = False
    for tensor in graph.tensors:
        if not _has_integer_weights(file, tensor) or tensor.name not in floats:
            continue
        old = np.asarray(tensor.quantization.scale, np.float32)
        new = _usable(old)
        bias, input_scale = biases.get(tensor.name, (None, 0.0))
        if bias is not None and bias.name in floats:
            needed = np.abs(floats[bias.name].ravel()) / (input_scale * LARGEST_BIAS)
            new = np.maximum(new, needed.max() if old.size == 1 else needed).astype(np.float32)
        changed = new != old
        if not changed.any():
            continue
        has_changed = True
        tensor.quantization.scale = new
        _write_weights(file, tensor, floats[tensor.name], new, changed)
        if bias is not None and bias.name in floats:
            _write_bias(file, bias, floats[bias.name].ravel(), input_scale * new.astype(np.float64))
    if not has_changed:
        return content
    builder = flatbuffers.Builder(len(content))
    builder.Finish(file.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _usable(scale: NDArray[np.float32]) -> NDArray[np.float32]:
    good = np.isfinite(scale) & (scale >= np.finfo(np.float32).tiny)
    return np.where(good, scale, scale[good].max(initial=0.0) or 1.0).astype(np.float32)


def _has_integer_weights(file: Any, tensor: Any) -> bool:
    return (
        tensor.type in BITS
        and file.buffers[tensor.buffer].data is not None
        and tensor.quantization is not None
        and tensor.quantization.scale is not None
    )


def _integer_biases(file: Any, graph: Any) -> dict[bytes, tuple[Any, float]]:
    """Return each layer's int32 bias and input scale, by the name of its weights."""
    found = {}
    for operator in graph.operators:
        code = file.operatorCodes[operator.opcodeIndex].builtinCode
        # The converter leaves out a bias of zeros, and writes -1 for it.
        if code not in WITH_BIAS or len(operator.inputs) < 3 or operator.inputs[2] == -1:
            continue
        data, weights, bias = (graph.tensors[index] for index in operator.inputs)
        if bias.type == schema.TensorType.INT32:
            found[weights.name] = bias, float(data.quantization.scale[0])
    return found


def _write_weights(
    file: Any,
    tensor: Any,
    values: NDArray[np.float32],
    scale: NDArray[np.float32],
    changed: NDArray[np.bool_],
) -> None:
    bits, axis = BITS[tensor.type], tensor.quantization.quantizedDimension if scale.size > 1 else 0
    integers = _unpacked(file.buffers[tensor.buffer].data, bits, values.size).reshape(values.shape)
    rows = np.moveaxis(integers, axis, 0)  # a view: writing to it changes ``integers``
    wanted = np.moveaxis(values, axis, 0).astype(np.float64)
    shape = (-1,) + (1,) * (values.ndim - 1)
    highest = 2 ** (bits - 1) - 1
    rounded = np.clip(np.rint(wanted / scale.astype(np.float64).reshape(shape)), -highest, highest)
    which = changed if scale.size > 1 else np.ones(len(rows), bool)
    rows[which] = rounded[which]
    file.buffers[tensor.buffer].data = _packed(integers.ravel(), bits)


def _write_bias(
    file: Any, tensor: Any, values: NDArray[np.float32], scale: NDArray[np.float64]
) -> None:
    tensor.quantization.scale = scale.astype(np.float32)
    integers = np.rint(values / scale).astype(np.int32)
    file.buffers[tensor.buffer].data = np.frombuffer(integers.tobytes(), np.uint8)


def _unpacked(data: Any, bits: int, count: int) -> NDArray[np.int8]:
    """Unpack integers of 2, 4 or 8 bits; the first one in a byte is in its lowest bits."""
    stored = np.asarray(data, np.uint8)
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    unsigned: NDArray[np.int16]
    unsigned = (stored[:, None] >> shifts & (2**bits - 1)).ravel()[:count].astype(np.int16)
    return np.where(unsigned >= 2 ** (bits - 1), unsigned - 2**bits, unsigned).astype(np.int8)


def _packed(integers: NDArray[np.int8], bits: int) -> NDArray[np.uint8]:
    each = 8 // bits
    padded = np.append(integers, np.zeros(-integers.size % each, np.int8)).reshape(-1, each)
    shifts = np.arange(0, 8, bits, dtype=np.int16)
    packed: NDArray[np.int16]
    packed = ((padded.astype(np.int16) & (2**bits - 1)) << shifts).sum(axis=1)
    return packed.astype(np.uint8)


def _floats(file: Any, tensor: Any) -> NDArray[np.float32]:
    data = np.asarray(file.buffers[tensor.buffer].data, np.uint8)
    return data.view(np.float32).reshape(tensor.shape)
