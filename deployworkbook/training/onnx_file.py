"""Conversion from Keras to ONNX: the content of an ``.onnx`` file."""

from __future__ import annotations

import re
from typing import Any

import onnx
import tf2onnx

from deployworkbook.training.keras2 import tf

# Version of ONNX's operators, which all of the workbook's platforms read.
OPSET = 18

INPUT, OUTPUT, BATCH = "images", "probabilities", "n"

# Names that tf2onnx generates.
_COUNTED = re.compile(r"(.*)__\d+(:\d+)?$")


def to_onnx(model: Any) -> bytes:
    """Convert a Keras model, and check the result against ONNX's rules.

    Args:
        model: A Keras model of images ``[n, 28, 28]``.

    Returns:
        The file's bytes: an input ``images``, an output ``probabilities``, any batch size ``n``.
        Equal models give equal bytes.
    """
    shape = (None, *model.input_shape[1:])
    signature = (tf.TensorSpec(shape, tf.float32, name=INPUT),)
    converted, _ = tf2onnx.convert.from_keras(model, input_signature=signature, opset=OPSET)
    graph = converted.graph
    _rename(graph)
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = BATCH
    # These repeat the old names; the checker infers the shapes again.
    del graph.value_info[:]
    onnx.checker.check_model(converted, full_check=True)
    return bytes(converted.SerializeToString(deterministic=True))


def _rename(graph: Any) -> None:
    """Name the output and renumber the rest, because tf2onnx counts through the whole process."""
    (output,) = graph.output
    ends = [end for node in graph.node for end in node.output]
    names = {output.name: OUTPUT}
    for name in (*(constant.name for constant in graph.initializer), *ends):
        if name not in names and (counted := _COUNTED.match(name)):
            names[name] = f"{counted[1]}__{len(names)}{counted[2] or ''}"
    for named in (output, *graph.initializer):
        named.name = names.get(named.name, named.name)
    for number, node in enumerate(graph.node):
        node.name = f"{node.op_type}_{number}"
        for own in (node.input, node.output):
            own[:] = [names.get(name, name) for name in own]
