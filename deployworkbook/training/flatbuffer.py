"""Conversion from Keras to LiteRT: a flatbuffer, the content of a ``.tflite`` file."""

from __future__ import annotations

import warnings
from typing import Any

from deployworkbook.training.keras2 import tf


def to_flatbuffer(model: Any, *, quantizers: bool = False) -> bytes:
    """Convert a Keras model, without output and without files on disk.

    Args:
        model: A Keras model.
        quantizers: Whether the model carries the fake quantizers of quantization-aware training.
            The file then computes in int8 on their grids; otherwise it computes in float32.

    Returns:
        The file's bytes; they begin with a length and ``TFL3``.
    """
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if quantizers:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    with warnings.catch_warnings():
        # The quantizers hold the ranges; inputs and outputs stay float32 and need none.
        warnings.filterwarnings("ignore", "Statistics for quantized inputs", UserWarning)
        return bytes(converter.convert())
