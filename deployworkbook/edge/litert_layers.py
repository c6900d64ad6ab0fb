"""The dense layers of a LiteRT file: floats, integers behind floats, or int8 throughout."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from deployworkbook.edge.stored_layers import StoredLayer
from deployworkbook.formulas.quantization import Grid
from deployworkbook.validation import value_error

_OPERATORS = {
    number: name for name, number in vars(schema.BuiltinOperator).items() if name[0] != "_"
}
_TYPES: dict[int, np.dtype[Any]] = {
    schema.TensorType.FLOAT32: np.dtype(np.float32),
    schema.TensorType.FLOAT16: np.dtype(np.float16),
    schema.TensorType.INT8: np.dtype(np.int8),
    schema.TensorType.INT32: np.dtype(np.int32),
}
# Integers that share a byte, the first in the lowest bits.
_PACKED = {schema.TensorType.INT4: 4, schema.TensorType.INT2: 2}
_RELU, _NONE = schema.ActivationFunctionType.RELU, schema.ActivationFunctionType.NONE


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
    return _Reader(schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))).read()


class _Reader:
    def __init__(self, model: Any) -> None:
        self._model = model
        (self._graph,) = model.subgraphs
        # A weight tensor that an operator turns into floats, by the tensor of those floats.
        self._sources: dict[int, int] = {}

    def read(self) -> tuple[list[StoredLayer], Grid | None]:
        layers: list[StoredLayer] = []
        activations: list[int] = []
        first: Any = None
        for operator in self._graph.operators:
            code = self._model.operatorCodes[operator.opcodeIndex]
            name = _OPERATORS[max(code.builtinCode, code.deprecatedBuiltinCode)]
            if name == "FULLY_CONNECTED":
                first = operator.inputs[0] if first is None else first
                layers.append(self._layer(operator))
                activations.append(operator.builtinOptions.fusedActivationFunction)
            elif name == "DEQUANTIZE":
                self._sources[operator.outputs[0]] = operator.inputs[0]
            elif name not in {"RESHAPE", "QUANTIZE", "SOFTMAX"}:
                raise _unsupported(f"the operation {name}")
        wanted = [_RELU] * (len(layers) - 1) + [_NONE]
        if not layers or activations != wanted:
            raise _unsupported("other activations than ReLU")
        return layers, self._grid(first)

    def _layer(self, operator: Any) -> StoredLayer:
        _, weights, *rest = (int(index) for index in operator.inputs)
        source = self._sources.get(weights, weights)
        tensor = self._graph.tensors[source]
        kernel = self._values(tensor).T
        output_grid = self._grid(int(operator.outputs[0]))
        if not rest or rest[0] < 0:
            dtype = np.float32 if output_grid is None else np.int32
            bias: NDArray[Any] = np.zeros(kernel.shape[1], dtype)
        else:
            bias = self._values(self._graph.tensors[self._sources.get(rest[0], rest[0])])
        if kernel.dtype != np.int8:
            return StoredLayer(kernel.astype(np.float32), bias.astype(np.float32))
        scale = np.asarray(tensor.quantization.scale, np.float32)
        if np.any(tensor.quantization.zeroPoint):
            raise _unsupported("weights with a zero point")
        return StoredLayer(kernel, bias, scale, output_grid)

    def _values(self, tensor: Any) -> NDArray[Any]:
        data = np.asarray(self._model.buffers[tensor.buffer].data, np.uint8)
        shape = tuple(int(size) for size in tensor.shape)
        if tensor.type in _PACKED:
            return _unpacked(data, _PACKED[tensor.type], int(np.prod(shape))).reshape(shape)
        if tensor.type not in _TYPES:
            raise _unsupported(f"numbers of LiteRT's type {tensor.type}")
        values: NDArray[Any] = np.frombuffer(data.tobytes(), _TYPES[tensor.type])
        return values.reshape(shape)

    def _grid(self, index: int) -> Grid | None:
        """Return the grid of an activation's tensor; ``None`` if it holds floats."""
        tensor = self._graph.tensors[index]
        if tensor.type == schema.TensorType.FLOAT32:
            return None
        if tensor.type != schema.TensorType.INT8:
            raise _unsupported(f"activations of LiteRT's type {tensor.type}")
        found = tensor.quantization
        # LiteRT's scales are float32; they are kept as they are.
        return Grid(
            np.asarray(found.scale[0], np.float64),
            np.asarray(found.zeroPoint[0], np.int64),
            -128,
            127,
        )


def _unpacked(data: NDArray[np.uint8], bits: int, count: int) -> NDArray[np.int8]:
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    fields = (data[:, None] >> shifts) & (2**bits - 1)
    values = fields.ravel()[:count].astype(np.int8)
    return np.asarray(np.where(values >= 2 ** (bits - 1), values - 2**bits, values), np.int8)


def _unsupported(what: str) -> ValueError:
    return value_error(
        "the LiteRT file",
        received=what,
        expected="dense layers, ReLU in the hidden ones, softmax in the last",
        remedy="Export the workbook's model, or one of its compressed variants.",
    )
