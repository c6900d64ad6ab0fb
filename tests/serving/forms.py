"""Model files of each kind that servers take: y = x / 2 + 2, as in ``models``."""

import tempfile
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save_model

from deployworkbook.training.keras2 import tf
from tests.serving import models


def savedmodel(folder, *, add=2.0):
    """A SavedModel with the signatures of TensorFlow Serving's own example."""
    return models.half_plus_two(folder, add=add)


def litert(folder, *, add=2.0, rows=None):
    """A LiteRT file; ``rows`` fixes how many numbers it takes at a time."""

    class Half(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([rows], tf.float32, "x")])
        def serve(self, x):
            return {"y": x / 2 + add}

    module = Half()
    with tempfile.TemporaryDirectory() as saved:
        tf.saved_model.save(module, saved, signatures={"serving_default": module.serve})
        content = tf.lite.TFLiteConverter.from_saved_model(saved).convert()
    folder.mkdir(parents=True)
    (folder / "model.tflite").write_bytes(content)
    return folder


def onnx(folder, *, add=2.0, rows="n", weights=None):
    """An ONNX file; ``weights`` names a file that is said to hold them."""
    constants = [
        numpy_helper.from_array(np.array([value], np.float32), name)
        for name, value in (("half", 0.5), ("add", add))
    ]
    if weights is not None:
        constants[0].ClearField("raw_data")
        constants[0].data_location = TensorProto.EXTERNAL
        constants[0].external_data.add(key="location", value=str(weights))
        constants[0].external_data.add(key="length", value="4")
    graph = helper.make_graph(
        [
            helper.make_node("Mul", ["x", "half"], ["product"]),
            helper.make_node("Add", ["product", "add"], ["y"]),
        ],
        "half",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [rows])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [rows])],
        constants,
    )
    return _write_onnx(graph, folder)


def slow_onnx(folder, *, rounds):
    """An ONNX file that takes its time: y = |x|, again and again, some 100,000 times a second."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["goes_on"], ["goes_on_still"]),
            helper.make_node("Abs", ["before"], ["after"]),
        ],
        "round",
        [
            helper.make_tensor_value_info("number", TensorProto.INT64, []),
            helper.make_tensor_value_info("goes_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("before", TensorProto.FLOAT, ["n"]),
        ],
        [
            helper.make_tensor_value_info("goes_on_still", TensorProto.BOOL, []),
            helper.make_tensor_value_info("after", TensorProto.FLOAT, ["n"]),
        ],
    )
    graph = helper.make_graph(
        [helper.make_node("Loop", ["rounds", "", "x"], ["y"], body=body)],
        "slow",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n"])],
        [numpy_helper.from_array(np.array(rounds, np.int64), "rounds")],
    )
    return _write_onnx(graph, folder)


MAKERS = {"savedmodel": savedmodel, "litert": litert, "onnx": onnx}


def _write_onnx(graph, folder):
    folder.mkdir(parents=True)
    opset = [helper.make_opsetid("", 18)]
    save_model(
        helper.make_model(graph, opset_imports=opset, ir_version=9), str(folder / "model.onnx")
    )
    return folder


def make(kind, folder, **given):
    return MAKERS[kind](Path(folder), **given)
