"""Keras 2 with a quiet TensorFlow, for the package and the lessons.

tensorflow-model-optimization works with Keras 2, which is the package ``tf_keras``; TensorFlow
uses it as ``tf.keras`` if ``TF_USE_LEGACY_KERAS`` is set before anything touches ``tf.keras``.
Use::

    from deployworkbook.training.keras2 import keras, tf
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# First: it sets what TensorFlow reads when it loads, and holds its notes back.
from deployworkbook.training.quiet_tensorflow import tf  # isort: skip
from deployworkbook.training.garbage import loading_for_good
from deployworkbook.training.optional_libraries import give_back, without_optional_libraries
from deployworkbook.validation import check_integer

with loading_for_good(), without_optional_libraries():
    import tf_keras as keras
give_back()

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


__all__ = ["SAVE_FORMAT", "copy_model", "keras", "set_seed", "tf"]
