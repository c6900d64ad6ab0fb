"""What runs one version of a model, whatever its file is: TensorFlow, LiteRT or ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from deployworkbook.serving.embedded.protos import SignatureDef, type_number

Array = NDArray[Any]
PREDICT_METHOD = "tensorflow/serving/predict"


@dataclass(frozen=True)
class ServableSignature:
    """A signature in the form that requests are checked against.

    Args:
        name: Its key.
        definition: The ``SignatureDef``.
        inputs: Alias, name in the graph and data type of each input, sorted by alias.
        outputs: Name in the graph of each output, by alias.
    """

    name: str
    definition: Any
    inputs: tuple[tuple[str, str, int], ...]
    outputs: dict[str, str]


class Engine(Protocol):
    """A loaded model file. Any number of threads may run it at once.

    Attributes:
        runtime: The runtime's name, for the metrics.
        signatures: The model's signatures, by name.
    """

    runtime: str
    signatures: dict[str, ServableSignature]

    def run(self, feeds: Sequence[str], fetches: Sequence[str], arrays: list[Array]) -> list[Array]:
        """Run the model.

        Args:
            feeds: Names of the tensors to set, in the order of the arrays.
            fetches: Names of the tensors to return, each once.
            arrays: The values to set, of the tensors' types.

        Raises:
            ServingError: The model refuses the values; the message is the runtime's.
        """

    def close(self) -> None:
        """Free the model; nothing may be running."""


@dataclass(frozen=True)
class Tensor:
    """An input or output that a model file declares.

    Args:
        name: Its name in the graph.
        dtype: NumPy's type; objects for strings.
        shape: Size of each axis, ``None`` for any.
    """

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int | None, ...]


def signature_of(name: str, definition: Any) -> ServableSignature:
    """Read a ``SignatureDef``."""
    inputs = tuple(
        (alias, info.name, info.dtype) for alias, info in sorted(definition.inputs.items())
    )
    outputs = {alias: info.name for alias, info in sorted(definition.outputs.items())}
    return ServableSignature(name, definition, inputs, outputs)


def predict_signature_of(
    name: str, inputs: Mapping[str, Tensor], outputs: Mapping[str, Tensor]
) -> ServableSignature:
    """Make the signature of a model file that has tensors, but no ``SignatureDef``.

    Args:
        name: The signature's key.
        inputs: Inputs by alias.
        outputs: Outputs by alias.

    >>> image = Tensor("x:0", np.dtype("float32"), (None, 28, 28))
    >>> made = predict_signature_of("serving_default", {"image": image}, {"class": image})
    >>> made.inputs, made.outputs
    ((('image', 'x:0', 1),), {'class': 'x:0'})
    """
    definition = SignatureDef(method_name=PREDICT_METHOD)
    for declared, given in ((definition.inputs, inputs), (definition.outputs, outputs)):
        for alias, tensor in given.items():
            info = declared[alias]
            info.name, info.dtype = tensor.name, type_number(tensor.dtype)
            info.tensor_shape.SetInParent()  # no axes isn't the same as an unknown shape
            for size in tensor.shape:
                info.tensor_shape.dim.add().size = -1 if size is None else size
    return signature_of(name, definition)
