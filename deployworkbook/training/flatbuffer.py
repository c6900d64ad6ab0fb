"""Conversion from Keras to LiteRT: a flatbuffer, the content of a ``.tflite`` file."""

from __future__ import annotations

import warnings
from typing import Any

from deployworkbook.training.keras2 import tf
from deployworkbook.training.litert_signature import with_signature


def to_flatbuffer(model: Any, *, quantizers: bool = False) -> bytes:
    """Convert a Keras model, without output and without files on disk.

    Args:
        model: A Keras model.
        quantizers: Whether the model carries the fake quantizers of quantization-aware training.
            The file then computes in int8 on their grids; otherwise it computes in float32.

    Returns:
        The file's bytes; they begin with a length and ``TFL3``.
    """
    # From Keras, the converter would write a SavedModel first, and import Keras 3 and its plots to
    # see whose model it is: seconds, for the same weights and operations.
    specs = [tf.TensorSpec(each.shape, each.dtype, each.name) for each in model.inputs]
    predict = tf.function(lambda *inputs: model(_only(inputs), training=False), autograph=False)
    graph = predict.get_concrete_function(*specs)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([graph], model)
    converter.experimental_lower_to_saved_model = False
    if quantizers:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    with warnings.catch_warnings():
        # The quantizers hold the ranges; inputs and outputs stay float32 and need none.
        warnings.filterwarnings("ignore", "Statistics for quantized inputs", UserWarning)
        content = bytes(converter.convert())
    return with_signature(content, model.input_names, model.output_names)


def _only(inputs: tuple[Any, ...]) -> Any:
    return inputs[0] if len(inputs) == 1 else list(inputs)
