"""Keras 2 and a quiet TensorFlow, for the package and the lessons.

tensorflow-model-optimization works with Keras 2, which is the package ``tf_keras``; TensorFlow
uses it as ``tf.keras`` if ``TF_USE_LEGACY_KERAS`` is set before anything touches ``tf.keras``.
Use::

    from deployworkbook.training.keras2 import keras, tf
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

from deployworkbook.training.notes import held_back
from deployworkbook.validation import check_integer, message

# TensorFlow reads these when it loads. Its C++ part logs even "no GPU here" as an error (level 2);
# real errors reach Python as exceptions.
os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# Notes on CPU and GPU, which TensorFlow's C++ part writes at any log level.
_LOADING_NOTE = re.compile(
    rb"^(WARNING: All log messages before absl::InitializeLog\(\)"
    rb"|I\d{4} \d\d:|To enable the following instructions:)"
)

with held_back(_LOADING_NOTE):
    import tensorflow as tf
    import tf_keras as keras

tf.get_logger().setLevel("ERROR")
tf.autograph.set_verbosity(0)

# Always pass the format: without it, tf_keras falls back to HDF5 outside the main thread.
SAVE_FORMAT = "keras_v3"

if tf.keras.Model is not keras.Model:
    raise ImportError(
        "tf.keras has become Keras 3 in this process already; the workbook and "
        "tensorflow-model-optimization need Keras 2. Restart the kernel, and import "
        "deployworkbook.training.keras2 before anything else that uses TensorFlow."
    )


def set_seed(seed: int) -> None:
    """Make training repeatable: seed Python, NumPy and TensorFlow, and fix the order of its sums.

    The same seed gives the same weights on the same machine with the same versions. Another CPU may
    sum in another order, so the last digits can differ.

    Args:
        seed: Any whole number from 0 to 2³² - 1.

    Raises:
        TypeError: The seed is not a whole number.
        ValueError: The seed is out of range.
    """
    keras.utils.set_random_seed(check_integer("seed", seed, 0, 2**32 - 1))
    tf.config.experimental.enable_op_determinism()


def copy_model(model: Any, weights: Sequence[Any] | None = None) -> Any:
    """Copy a model with its own weights or given ones; the copy has no wrappers and isn't compiled.

    Args:
        model: A Keras model; not changed.
        weights: Arrays in the order of ``model.get_weights()``; by default the model's own.
    """
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights() if weights is None else weights)
    return copy


def pin_threads(count: int) -> None:
    """Set the number of threads that TensorFlow uses in this process.

    TensorFlow starts its threads with its first operation, so call this before anything that
    computes. Setting the same number again is always allowed.

    Args:
        count: Threads, at least 1.

    Raises:
        RuntimeError: TensorFlow has already started with another number.
    """
    check_integer("count", count, 1)
    try:
        tf.config.threading.set_intra_op_parallelism_threads(count)
        tf.config.threading.set_inter_op_parallelism_threads(count)
    except RuntimeError as error:
        raise RuntimeError(
            message(
                "threads",
                received=str(count),
                expected=f"{threads()}, the number that TensorFlow has started with",
                remedy="Restart the kernel, and pin them before anything else.",
            )
        ) from error


def threads() -> int:
    """Return how many threads TensorFlow may use per operation."""
    # 0 means one per core.
    return tf.config.threading.get_intra_op_parallelism_threads() or os.cpu_count() or 1


__all__ = ["SAVE_FORMAT", "copy_model", "keras", "pin_threads", "set_seed", "tf", "threads"]
