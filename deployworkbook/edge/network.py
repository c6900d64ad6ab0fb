"""A dense network as its file stores it: weights, biases, and the grids of its integers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from deployworkbook.edge.litert_layers import litert_layers
from deployworkbook.edge.stored_layers import StoredLayer
from deployworkbook.formulas.quantization import Grid
from deployworkbook.training.variant import Variant
from deployworkbook.validation import value_error

# What a network computes with: floats, floats times stored integers, or LiteRT's int8 throughout.
Arithmetic = Literal["float32", "stored integers", "int8"]


@dataclass(frozen=True, eq=False)
class Network:
    """Dense layers, ReLU between them.

    Args:
        layers: At least one.
        input_grid: Grid of the input; ``None`` unless it computes in int8.

    Raises:
        ValueError: The layers don't fit each other, or differ in their arithmetic.
    """

    layers: tuple[StoredLayer, ...]
    input_grid: Grid | None = None

    def __post_init__(self) -> None:
        shapes = [layer.weights.shape for layer in self.layers]
        if not shapes or any(first[1] != second[0] for first, second in pairwise(shapes)):
            expected = "at least one layer, each with as many inputs as the one before has outputs"
            raise value_error("layers", received=str(shapes), expected=expected)
        kinds = {(layer.scale is None, layer.output_grid is None) for layer in self.layers}
        if len(kinds) != 1:
            raise value_error(
                "layers",
                received="layers that differ in their arithmetic",
                expected="float32, stored integers, or int8 in all of them",
                remedy="Quantize the whole model.",
            )

    @property
    def arithmetic(self) -> Arithmetic:
        """What it computes with."""
        if self.layers[0].scale is None:
            return "float32"
        return "stored integers" if self.layers[0].output_grid is None else "int8"

    @property
    def inputs(self) -> int:
        """Number of pixels."""
        return int(self.layers[0].weights.shape[0])

    @property
    def classes(self) -> int:
        """Number of outputs."""
        return int(self.layers[-1].weights.shape[1])


def read_network(variant: Variant) -> Network:
    """Read the layers of a variant.

    Args:
        variant: A Keras model or a LiteRT file of dense layers: ReLU in the hidden ones, softmax in
            the last.

    Raises:
        ValueError: It is an ONNX file, or has other operations; the message names the first.
    """
    if variant.flatbuffer is not None:
        layers, input_grid = litert_layers(variant.flatbuffer)
        return Network(tuple(layers), input_grid)
    if variant.model is None:
        raise value_error(
            variant.name,
            received=variant.form,
            expected="a Keras model or a LiteRT file",
            remedy="Quantize the Keras model for LiteRT, and export that.",
        )
    return Network(tuple(_keras_layers(variant)))


def _keras_layers(variant: Variant) -> list[StoredLayer]:
    from deployworkbook.runtimes.numpy import dense_layers

    return [StoredLayer(kernel, bias) for kernel, bias in dense_layers(variant)]
