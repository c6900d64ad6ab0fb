"""Keras 2 and a quiet TensorFlow: where the package and the lessons import them from.

tensorflow-model-optimization works with Keras 2, which is the package ``tf_keras``; TensorFlow
takes it for ``tf.keras`` where ``TF_USE_LEGACY_KERAS`` is set before anything touches ``tf.keras``.
Use::

    from deployworkbook.training.keras import keras, tf
"""

from __future__ import annotations

import os
import re

from deployworkbook.training.notes import held_back
from deployworkbook.validation import check_integer

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
        "deployworkbook.training.keras before anything else that uses TensorFlow."
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


__all__ = ["SAVE_FORMAT", "keras", "set_seed", "tf"]
