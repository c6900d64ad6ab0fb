"""Give a LiteRT file inputs and outputs of floats, where it has quantized ones.

A client of a server sends the numbers it has. A file that takes int8 would ask every client for its
scale and zero point; this puts the conversion into the file.
"""

from __future__ import annotations

import copy
from typing import Any

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

_INTEGERS = (schema.TensorType.INT8, schema.TensorType.UINT8, schema.TensorType.INT16)
_VERSIONS = {schema.BuiltinOperator.QUANTIZE: 2, schema.BuiltinOperator.DEQUANTIZE: 3}


def with_float_ends(content: bytes) -> bytes:
    """Write a LiteRT file again, so that its quantized inputs and outputs take and give float32.

        q = clip(round(x / s) + z) at an input,  p = s (q - z) at an output

    Args:
        content: The bytes of a LiteRT file; returned as they are if all its inputs and outputs are
            floats, or integers without a scale.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    graph = model.subgraphs[0]
    moved: dict[int, int] = {}
    for index in map(int, graph.inputs):
        if _is_quantized(graph.tensors[index]):
            moved[index] = _float_end(graph, index)
            step = _operator(model, schema.BuiltinOperator.QUANTIZE, moved[index], index)
            graph.operators.insert(0, step)
    for index in map(int, graph.outputs):
        if _is_quantized(graph.tensors[index]):
            moved[index] = _float_end(graph, index)
            step = _operator(model, schema.BuiltinOperator.DEQUANTIZE, index, moved[index])
            graph.operators.append(step)
    if not moved:
        return content
    graph.inputs = [moved.get(int(index), int(index)) for index in graph.inputs]
    graph.outputs = [moved.get(int(index), int(index)) for index in graph.outputs]
    for signature in model.signatureDefs or []:
        if not signature.subgraphIndex:
            for entry in (*signature.inputs, *signature.outputs):
                entry.tensorIndex = moved.get(entry.tensorIndex, entry.tensorIndex)
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _is_quantized(tensor: Any) -> bool:
    scales = tensor.quantization.scale if tensor.quantization is not None else None
    return tensor.type in _INTEGERS and scales is not None and len(scales) == 1


def _float_end(graph: Any, index: int) -> int:
    """Add a tensor of floats that has the shape and takes over the name of a quantized one."""
    quantized = graph.tensors[index]
    made = copy.copy(quantized)
    made.type, made.quantization, made.buffer = schema.TensorType.FLOAT32, None, 0
    if quantized.name:
        quantized.name = _text(quantized.name) + "_quantized"
    graph.tensors.append(made)
    return len(graph.tensors) - 1


def _operator(model: Any, code: int, source: int, target: int) -> Any:
    known = schema.OperatorCodeT()
    known.builtinCode = known.deprecatedBuiltinCode = code
    known.version = _VERSIONS[code]
    model.operatorCodes.append(known)
    made = schema.OperatorT()
    made.opcodeIndex = len(model.operatorCodes) - 1
    made.inputs, made.outputs = [source], [target]
    return made


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name
