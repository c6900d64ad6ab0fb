"""Keras 2 and a quiet TensorFlow: where the package and the lessons import them from.

tensorflow-model-optimization works with Keras 2, which is the package ``tf_keras``; TensorFlow
takes it for ``tf.keras`` where ``TF_USE_LEGACY_KERAS`` is set before anything touches ``tf.keras``.
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

# Read by TensorFlow as it loads. Its C++ part logs even "no GPU here" as an error (level 2), and
# real errors reach Python as exceptions.
os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# What TensorFlow's C++ part says on loading, whatever the log level: notes on CPU and GPU.
_LOADING_NOTE = re.compile(
    rb"^(WARNING: All log messages before absl::InitializeLog\(\)"
    rb"|I\d{4} \d\d:|To enable the following instructions:)"
)

with held_back(_LOADING_NOTE):
    import tensorflow as tf
    import tf_keras as keras

tf.get_logger().setLevel("ERROR")
tf.autograph.set_verbosity(0)

# How models are kept: named, since tf_keras falls back to HDF5 in any thread but the main one.
SAVE_FORMAT = "keras_v3"

if tf.keras.Model is not keras.Model:
    raise ImportError(
        "tf.keras has become Keras 3 in this process already; the workbook and "
        "tensorflow-model-optimization need Keras 2. Restart the kernel, and import "
        "deployworkbook.training.keras2 before anything else that uses TensorFlow."
    )


def set_seed(seed: int) -> None:
    """Make what follows repeatable: seed Python, NumPy and TensorFlow, and order its sums.

    The same seed gives the same weights on one machine with one set of versions. Another CPU may
    add in another order, so its last digits can differ.

    Args:
        seed: Any whole number from 0 to 2³² - 1.

    Raises:
        TypeError: The seed is not a whole number.
        ValueError: The seed is out of range.
    """
    keras.utils.set_random_seed(check_integer("seed", seed, 0, 2**32 - 1))
    tf.config.experimental.enable_op_determinism()


def copy_model(model: Any, weights: Sequence[Any] | None = None) -> Any:
    """Copy a model, free of wrappers and never compiled, with its weights or with those given.

    Args:
        model: A Keras model; not changed.
        weights: Arrays in the order of ``model.get_weights()``; by default the model's own.
    """
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights() if weights is None else weights)
    return copy


def pin_threads(count: int) -> None:
    """Let TensorFlow use this many threads in this process.

    TensorFlow starts its threads with its first operation, so this comes before anything that
    computes; the same number again is allowed at any time.

    Args:
        count: Threads, at least 1.

    Raises:
        RuntimeError: TensorFlow has started with another number.
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
                expected=f"{threads()}, with which TensorFlow has started",
                remedy="Restart the kernel, and pin them before anything else.",
            )
        ) from error


def threads() -> int:
    """How many threads TensorFlow may use for one operation."""
    # 0 stands for as many as there are cores.
    return tf.config.threading.get_intra_op_parallelism_threads() or os.cpu_count() or 1


__all__ = ["SAVE_FORMAT", "copy_model", "keras", "pin_threads", "set_seed", "tf", "threads"]
