"""Read a LiteRT file's dense layers: their integers and grids, as the formulas take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from deployworkbook.formulas.quantization import Grid, dequantize
from deployworkbook.training.notes import LITERT_NOTE, held_back

# Bits per weight, by type.
WIDTHS = {
    schema.TensorType.FLOAT32: 32,
    schema.TensorType.FLOAT16: 16,
    schema.TensorType.INT8: 8,
    schema.TensorType.INT4: 4,
    schema.TensorType.INT2: 2,
}


@dataclass(frozen=True, eq=False)
class DenseLayer:
    """A dense layer as stored in a file; a grid is ``None`` if the numbers are floats.

    Args:
        weights: Shape ``[K, n]`` as in Keras (LiteRT keeps ``[n, K]``).
        bias: Shape ``[n]``.
        bits: Bits per stored weight.
        weight_grid: Grid with scales of shape ``[1, n]``, or ``[1, 1]`` for a single one.
        input_grid: Grid with one scale.
        output_grid: Grid with one scale.
        relu: Whether negative outputs become 0.
    """

    weights: NDArray[np.int8] | NDArray[np.floating]
    bias: NDArray[np.int32] | NDArray[np.floating]
    bits: int
    weight_grid: Grid | None
    input_grid: Grid | None
    output_grid: Grid | None
    relu: bool

    @property
    def kernel(self) -> NDArray[np.float64]:
        """The weights as real numbers."""
        if self.weight_grid is None:
            return self.weights.astype(np.float64)
        return dequantize(self.weights, self.weight_grid)


def dense_layers(content: bytes) -> list[DenseLayer]:
    """Read the dense layers of a LiteRT file, in order.

    Args:
        content: Content of the file.
    """
    file = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
    (graph,) = file.subgraphs
    with held_back(LITERT_NOTE):
        interpreter = Interpreter(model_content=content, num_threads=1)
        interpreter.allocate_tensors()
    details = {each["index"]: each for each in interpreter.get_tensor_details()}
    codes = [file.operatorCodes[each.opcodeIndex].builtinCode for each in graph.operators]
    # Weights that are stored narrow but used in float32 are the output of an operator.
    stored = {
        each.outputs[0]: each.inputs[0]
        for each, code in zip(graph.operators, codes, strict=True)
        if code == schema.BuiltinOperator.DEQUANTIZE
    }
    layers = []
    for operator, code in zip(graph.operators, codes, strict=True):
        if code != schema.BuiltinOperator.FULLY_CONNECTED:
            continue
        source, weights, *rest = (stored.get(index, index) for index in operator.inputs)
        bits = WIDTHS[graph.tensors[weights].type]
        kernel = interpreter.get_tensor(weights).T
        # The converter leaves out a bias of zeros, and may write -1 for it.
        given = [index for index in rest if index != -1]
        bias = interpreter.get_tensor(given[0]) if given else np.zeros(kernel.shape[1])
        layers.append(
            DenseLayer(
                # LiteRT unpacks 4 and 2 bits to int8.
                weights=kernel,
                bias=bias,
                bits=bits,
                weight_grid=_grid(details[weights], bits, per_output=True),
                input_grid=_grid(details[source], 8),
                output_grid=_grid(details[operator.outputs[0]], 8),
                relu=operator.builtinOptions.fusedActivationFunction
                == schema.ActivationFunctionType.RELU,
            )
        )
    return layers


def output_grid(content: bytes) -> Grid | None:
    """Read the grid of a file's output; ``None`` if it is float32.

    Args:
        content: Content of a LiteRT file.
    """
    (sink,) = Interpreter(model_content=content).get_output_details()
    return _grid(sink, 8)


def _grid(details: dict[str, Any], bits: int, *, per_output: bool = False) -> Grid | None:
    quantization = details["quantization_parameters"]
    if quantization["scales"].size == 0:
        return None
    shape = (1, -1) if per_output else ()
    scale = quantization["scales"].astype(np.float64).reshape(shape)
    zero_point = quantization["zero_points"].astype(np.int64).reshape(shape)
    return Grid(scale, zero_point, -(1 << (bits - 1)), (1 << (bits - 1)) - 1)
