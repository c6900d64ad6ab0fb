"""A quiet TensorFlow without Keras, which a process that only runs a SavedModel doesn't need.

Whatever also uses Keras imports both from ``keras2``.
"""

from __future__ import annotations

import os
import re
import sys
from types import ModuleType

from deployworkbook.training.garbage import loading_for_good
from deployworkbook.training.notes import held_back
from deployworkbook.training.optional_libraries import without_optional_libraries
from deployworkbook.validation import check_integer, message

# TensorFlow reads these when it loads. Its C++ part logs even "no GPU here" as an error (level 2);
# real errors reach Python as exceptions.
os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# On some processors TensorFlow leaves oneDNN off, and then convolutions take twice as long.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

# TensorFlow's own name for a number of threads per operation.
THREADS_VARIABLE = "TF_NUM_INTRAOP_THREADS"

# Notes on CPU and GPU, which TensorFlow's C++ part writes at any log level.
_LOADING_NOTE = re.compile(
    rb"^(WARNING: All log messages before absl::InitializeLog\(\)"
    rb"|I\d{4} \d\d:|To enable the following instructions:)"
)

# TensorFlow imports Keras's optimizers, for SavedModels that hold any, and with them all of Keras
# and pandas: a second and 100 MB that only training needs. A stand-in keeps them out until then.
_OPTIMIZERS = "tf_keras.src.optimizers"
_stands_in = _OPTIMIZERS not in sys.modules
if _stands_in:
    sys.modules[_OPTIMIZERS] = ModuleType(_OPTIMIZERS)
try:
    with held_back(_LOADING_NOTE), loading_for_good(), without_optional_libraries():
        import tensorflow as tf
finally:
    if _stands_in:
        del sys.modules[_OPTIMIZERS]

tf.get_logger().setLevel("ERROR")
tf.autograph.set_verbosity(0)


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
    # 0 means as many as the environment says, else one per core.
    named = tf.config.threading.get_intra_op_parallelism_threads()
    return named or int(os.environ.get(THREADS_VARIABLE) or 0) or os.cpu_count() or 1


__all__ = ["pin_threads", "tf", "threads"]
