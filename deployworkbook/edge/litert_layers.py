"""The layers of a LiteRT file that holds a dense network and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from deployworkbook.compression.layers import DenseLayer, dense_layers
from deployworkbook.edge.stored_layers import StoredLayer
from deployworkbook.formulas.quantization import Grid
from deployworkbook.validation import value_error

_OPERATORS = {
    number: name for name, number in vars(schema.BuiltinOperator).items() if name[0] != "_"
}
# Those around dense layers that change no number, or only its type.
_AROUND = {"RESHAPE", "QUANTIZE", "DEQUANTIZE", "SOFTMAX"}


def litert_layers(content: bytes) -> tuple[list[StoredLayer], Grid | None]:
    """Read the dense layers of a LiteRT file.

    Args:
        content: The file's bytes.

    Returns:
        The layers in order, and the input's grid if the file computes in int8.

    Raises:
        ValueError: It is no LiteRT file, or does something other than flatten, multiply by dense
            layers with ReLU between them, and take the softmax.
    """
    if content[4:8] != b"TFL3":
        raise value_error(
            "the LiteRT file",
            received=f"{len(content)} bytes that begin with {content[:8]!r}",
            expected="a file with TFL3 in its fifth to eighth byte",
        )
    for name in _operators(content):
        if name not in {"FULLY_CONNECTED", *_AROUND}:
            raise _unsupported(f"the operation {name}")
    layers = dense_layers(content)
    if not layers:
        raise _unsupported("no dense layer")
    *hidden, last = layers
    if last.relu or not all(layer.relu for layer in hidden):
        raise _unsupported("other activations than ReLU")
    return [_stored(layer) for layer in layers], layers[0].input_grid


def _operators(content: bytes) -> list[str]:
    """Name the operations of a file."""
    model: Any = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    (graph,) = model.subgraphs
    codes = [model.operatorCodes[operator.opcodeIndex] for operator in graph.operators]
    # Older files have the number in the deprecated field only.
    return [_OPERATORS[max(code.builtinCode, code.deprecatedBuiltinCode)] for code in codes]


def _stored(layer: DenseLayer) -> StoredLayer:
    if layer.weight_grid is None:
        return StoredLayer(layer.weights.astype(np.float32), layer.bias.astype(np.float32))
    if layer.weight_grid.zero_point.any():
        raise _unsupported("weights with a zero point")
    scale = layer.weight_grid.scale.ravel().astype(np.float32)
    return StoredLayer(layer.weights, layer.bias, scale, layer.output_grid)


def _unsupported(what: str) -> ValueError:
    return value_error(
        "the LiteRT file",
        received=what,
        expected="dense layers, ReLU in the hidden ones, softmax in the last",
        remedy="Export the workbook's model, or one of its compressed variants.",
    )
