"""Read and write what a LiteRT file says of its inputs and outputs: its signatures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from deployworkbook.validation import value_error

SIGNATURE = "serving_default"
_IDENTIFIER = b"TFL3"

_DTYPES: dict[int, np.dtype[Any]] = {
    getattr(schema.TensorType, name.upper()): np.dtype(name.replace("string", "object"))
    for name in ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8",
                 "uint16", "uint32", "uint64", "bool", "complex64", "complex128", "string")
}  # fmt: skip


@dataclass(frozen=True)
class LiteRTTensor:
    """An input or output of a LiteRT file.

    Args:
        index: Its number in the subgraph.
        name: Its name; empty if it has none.
        dtype: NumPy's type; objects for strings.
        shape: Size of each axis, ``None`` for any.
    """

    index: int
    name: str
    dtype: np.dtype[Any]
    shape: tuple[int | None, ...]


@dataclass(frozen=True)
class LiteRTSignature:
    """A signature of a LiteRT file.

    Args:
        subgraph: Number of the subgraph that it runs.
        inputs: Inputs by alias, in the subgraph's order.
        outputs: Outputs by alias, in the subgraph's order.
    """

    subgraph: int
    inputs: Mapping[str, LiteRTTensor]
    outputs: Mapping[str, LiteRTTensor]


def read_signatures(content: bytes) -> dict[str, LiteRTSignature]:
    """Read a LiteRT file's signatures.

    A file without any has one, ``serving_default``, whose inputs and outputs are those of the first
    subgraph, under their names or as ``input_0``, ``output_0`` and so on.

    Args:
        content: The file's bytes.

    Raises:
        ValueError: The bytes are not a LiteRT file, are damaged, or keep weights in other files.
    """
    if content[4:8] != _IDENTIFIER:
        raise _unreadable("it does not begin like one")
    try:
        return _signatures(schema.Model.GetRootAs(content))
    except ValueError:
        raise
    except Exception as error:  # offsets in a damaged file can lead anywhere
        raise _unreadable(f"it is damaged: {error}") from error


def with_signature(content: bytes, inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
    """Write a LiteRT file again, with a signature ``serving_default`` of its first subgraph.

    Args:
        content: The file's bytes.
        inputs: Names of the inputs, in the file's order.
        outputs: Names of the outputs, in the file's order.

    Raises:
        ValueError: The bytes are not a LiteRT file, or it has another number of inputs or outputs.
    """
    read_signatures(content)
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    graph = model.subgraphs[0]
    made = schema.SignatureDefT()
    key = made.signatureKey = SIGNATURE.encode()  # bytes, as those that were read
    made.subgraphIndex = 0
    made.inputs = _maps("inputs", graph, graph.inputs, inputs)
    made.outputs = _maps("outputs", graph, graph.outputs, outputs)
    others = [each for each in model.signatureDefs or [] if each.signatureKey != key]
    model.signatureDefs = [made, *others]
    builder = _Builder(len(content))
    builder.Finish(model.Pack(builder), _IDENTIFIER)
    return bytes(builder.Output())


class _Builder(flatbuffers.Builder):  # type: ignore[misc]  # flatbuffers has no types
    """Puts bytes at multiples of 16, as LiteRT's schema asks for what its tensors hold."""

    def StartVector(self, elemSize: int, numElems: int, alignment: int) -> int:  # noqa: N802
        """Begin a vector; its bytes may be weights."""
        begun: int = super().StartVector(elemSize, numElems, 16 if elemSize == 1 else alignment)
        return begun


def _maps(kind: str, graph: Any, indices: Sequence[int], names: Sequence[str]) -> list[Any]:
    if len(indices) != len(names):
        expected = f"{len(indices)} {kind}, as the file has"
        raise value_error(kind, received=", ".join(names) or "none", expected=expected)
    made = []
    for index, name in zip(indices, names, strict=True):
        entry = schema.TensorMapT()
        entry.name, entry.tensorIndex = name, int(index)
        made.append(entry)
        # Servers tell tensors apart by their names.
        if not graph.tensors[index].name:
            graph.tensors[index].name = name
    return made


def _signatures(model: Any) -> dict[str, LiteRTSignature]:
    # Older schemas have no such field.
    if getattr(model, "ExternalBuffersLength", int)():
        raise _unreadable("it keeps weights in other files, which are not read")
    found = {}
    for number in range(model.SignatureDefsLength()):
        given = model.SignatureDefs(number)
        graph = model.Subgraphs(given.SubgraphIndex())
        found[given.SignatureKey().decode()] = LiteRTSignature(
            given.SubgraphIndex(),
            _by_alias(
                graph, [given.Inputs(k) for k in range(given.InputsLength())], _inputs_of(graph)
            ),
            _by_alias(
                graph, [given.Outputs(k) for k in range(given.OutputsLength())], _outputs_of(graph)
            ),
        )
    if found:
        return found
    graph = model.Subgraphs(0)
    inputs = [_tensor(graph, index) for index in _inputs_of(graph)]
    outputs = [_tensor(graph, index) for index in _outputs_of(graph)]
    return {SIGNATURE: LiteRTSignature(0, _named("input", inputs), _named("output", outputs))}


def _inputs_of(graph: Any) -> list[int]:
    return [graph.Inputs(k) for k in range(graph.InputsLength())]


def _outputs_of(graph: Any) -> list[int]:
    return [graph.Outputs(k) for k in range(graph.OutputsLength())]


def _by_alias(graph: Any, maps: Sequence[Any], order: Sequence[int]) -> dict[str, LiteRTTensor]:
    ordered = sorted(maps, key=lambda each: order.index(each.TensorIndex()))
    return {each.Name().decode(): _tensor(graph, each.TensorIndex()) for each in ordered}


def _named(kind: str, tensors: Sequence[LiteRTTensor]) -> dict[str, LiteRTTensor]:
    names = [tensor.name for tensor in tensors]
    if not all(names) or len(set(names)) < len(names):
        names = [f"{kind}_{number}" for number in range(len(tensors))]
    return dict(zip(names, tensors, strict=True))


def _tensor(graph: Any, index: int) -> LiteRTTensor:
    if not 0 <= index < graph.TensorsLength():
        raise _unreadable(f"it is damaged: it has no tensor {index}")
    tensor = graph.Tensors(index)
    name = (tensor.Name() or b"").decode()
    dtype = _DTYPES.get(tensor.Type())
    if dtype is None:
        raise _unreadable(f"its tensor {name!r} has the type {tensor.Type()}, which NumPy lacks")
    # A size of -1 in the signature's shape is any; files without one fix all sizes.
    declared = tensor.ShapeSignatureAsNumpy() if tensor.ShapeSignatureLength() else None
    sizes = tensor.ShapeAsNumpy() if declared is None else declared
    shape = [int(size) for size in sizes] if tensor.ShapeLength() else []
    return LiteRTTensor(index, name, dtype, tuple(None if n < 0 else n for n in shape))


def _unreadable(reason: str) -> ValueError:
    return ValueError(f"This is not a LiteRT file that can be run: {reason}. Export it again.")
