"""TensorFlow's SavedModel: the format that TensorFlow Serving loads."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deployworkbook.runtimes.base import Predictor, check_images
from deployworkbook.runtimes.exporting import FolderRuntime
from deployworkbook.training.graph_check import check_graph
from deployworkbook.training.quiet_tensorflow import tf, threads
from deployworkbook.training.variant import Variant

NAME = "savedmodel"
SIGNATURE: str = tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY


class SavedModelRuntime(FolderRuntime):
    """Exports Keras models as SavedModels and runs their serving signature.

    It loads no graph that reads or writes files or calls Python.
    """

    name = NAME
    refusal = (
        "TensorFlow has no way back from such a file to a graph. "
        "Run it with the runtime 'litert' or 'onnx', whichever wrote it."
    )

    def _writer(self, variant: Variant) -> Callable[[Path], object]:
        def write(folder: Path) -> None:
            # Keras prints the signature, whatever its verbosity.
            with contextlib.redirect_stdout(io.StringIO()):
                variant.model.export(folder)

        return write

    def _read(self, folder: Path) -> Predictor:
        check_graph(folder)
        try:
            return SavedModelPredictor(tf.saved_model.load(folder))
        except (OSError, KeyError, tf.errors.OpError) as error:
            raise ValueError(
                f"{folder} is not a SavedModel with the signature {SIGNATURE!r} ({error}). "
                "Export it again."
            ) from error


class SavedModelPredictor:
    """The serving signature of a loaded SavedModel, called with arrays.

    Args:
        loaded: Result of ``tf.saved_model.load``.

    Raises:
        KeyError: It has no signature ``serving_default``.
    """

    runtime = NAME
    runtime_version = tf.__version__

    def __init__(self, loaded: object) -> None:
        # The signature's variables live only as long as this object.
        self._loaded = loaded
        self._function = loaded.signatures[SIGNATURE]  # type: ignore[attr-defined]
        (self._input,) = self._function.structured_input_signature[1]
        (self._output,) = self._function.structured_outputs

    @property
    def threads(self) -> int:
        """Threads that TensorFlow may use per operation."""
        return threads()

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map images ``[n, 28, 28]`` to probabilities ``[n, classes]``."""
        batch = tf.constant(check_images(images))
        outputs = self._function(**{self._input: batch})
        return np.asarray(outputs[self._output].numpy())
