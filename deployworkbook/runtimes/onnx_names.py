"""Read and change the names of an ONNX file's inputs and outputs, without running it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError


def read_names(path: Path) -> tuple[list[str], list[str]]:
    """Return the names of an ONNX file's inputs and outputs, in the file's order.

    Raises:
        ValueError: It is not an ONNX file.
    """
    graph = _loaded(path).graph
    constants = {constant.name for constant in graph.initializer}
    inputs = [each.name for each in graph.input if each.name not in constants]
    return inputs, [each.name for each in graph.output]


def rename(path: Path, names: Mapping[str, str]) -> None:
    """Change names of an ONNX file's inputs and outputs, in place.

    Args:
        path: The file; weights in files beside it stay where they are.
        names: New names by old ones.

    Raises:
        ValueError: It is not an ONNX file, or a new name is one of another value of the graph.
    """
    model = _loaded(path)
    ends = [end for node in model.graph.node for end in (*node.input, *node.output)]
    for new in names.values():
        if new in ends and new not in names:
            raise ValueError(f"{path}: {new!r} is the name of another value. Choose another name.")
    _rename(model.graph, names)
    path.write_bytes(model.SerializeToString())


def _loaded(path: Path) -> Any:
    try:
        model = onnx.load_model(path, load_external_data=False)
    except DecodeError as error:
        raise ValueError(f"{path} is not an ONNX file ({error}). Export it again.") from error
    if not model.graph.node:
        raise ValueError(f"{path} is not an ONNX file: it has no graph. Export it again.")
    return model


def _rename(graph: Any, names: Mapping[str, str]) -> None:
    for declared in (*graph.input, *graph.output, *graph.value_info, *graph.initializer):
        declared.name = names.get(declared.name, declared.name)
    for node in graph.node:
        for ends in (node.input, node.output):
            ends[:] = [names.get(end, end) for end in ends]
        for attribute in node.attribute:
            # The branches of a condition and the bodies of loops use the graph's values, too.
            for inner in (attribute.g, *attribute.graphs):
                _rename(inner, names)
