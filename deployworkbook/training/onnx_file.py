"""From Keras to ONNX: the model as the bytes of an ``.onnx`` file."""

from __future__ import annotations

import re
from typing import Any

import onnx
import tf2onnx

from deployworkbook.training.keras import tf

# The version of ONNX's operators. All of the workbook's platforms read it.
OPSET = 18

INPUT, OUTPUT, BATCH = "images", "probabilities", "n"

# How tf2onnx names what it adds.
_COUNTED = re.compile(r"__\d+$")


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
    # It repeats the old names; the checker works the shapes out anew.
    del graph.value_info[:]
    onnx.checker.check_model(converted, full_check=True)
    return bytes(converted.SerializeToString(deterministic=True))


def _rename(graph: Any) -> None:
    """Name the output, and number the constants anew: both were counted through the process."""
    (output,) = graph.output
    names = {output.name: OUTPUT}
    for constant in graph.initializer:
        stem = _COUNTED.sub("", constant.name)
        if stem != constant.name:
            names[constant.name] = f"{stem}__{len(names)}"
    for named in (output, *graph.initializer):
        named.name = names.get(named.name, named.name)
    for node in graph.node:
        for ends in (node.input, node.output):
            ends[:] = [names.get(name, name) for name in ends]
