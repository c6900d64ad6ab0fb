"""TensorFlow's SavedModel: the format that TensorFlow Serving loads."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deployworkbook.runtimes.base import Artifact, check_images
from deployworkbook.runtimes.exporting import check_artifact, check_form, write_artifact
from deployworkbook.training.graph_check import check_graph
from deployworkbook.training.keras2 import tf, threads
from deployworkbook.training.variant import Variant

NAME = "savedmodel"
SIGNATURE: str = tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY


class SavedModelRuntime:
    """Exports Keras models as SavedModels and runs their serving signature."""

    name = NAME

    def export(self, variant: Variant, directory: Path) -> Artifact:
        """Write ``directory/<variant>.savedmodel``, a folder; replace an earlier one.

        Args:
            variant: One that holds a Keras model.
            directory: Where to; made if missing.

        Raises:
            ValueError: The variant is a file of LiteRT or ONNX, which cannot become a SavedModel.
        """
        check_form(
            variant,
            "model",
            reason="TensorFlow has no way back from such a file to a graph.",
            remedy="Run it with the runtime 'litert' or 'onnx', whichever wrote it.",
        )

        def write(folder: Path) -> None:
            # Keras prints the signature, whatever verbosity it is set to.
            with contextlib.redirect_stdout(io.StringIO()):
                variant.model.export(folder)

        return write_artifact(variant, directory, runtime=NAME, write=write)

    def load(self, artifact: Artifact) -> SavedModelPredictor:
        """Read a SavedModel and take its serving signature.

        Raises:
            FileNotFoundError: It is not there.
            ValueError: It is damaged, of another runtime, has no such signature, or its graph
                reads or writes files or calls Python.
        """
        check_artifact(artifact, NAME)
        check_graph(artifact.path)
        try:
            loaded = tf.saved_model.load(artifact.path)
            return SavedModelPredictor(loaded)
        except (OSError, KeyError, tf.errors.OpError) as error:
            raise ValueError(
                f"{artifact.path} is not a SavedModel with the signature {SIGNATURE!r} ({error}). "
                "Export it again."
            ) from error


class SavedModelPredictor:
    """The serving signature of a loaded SavedModel, called with arrays.

    Args:
        loaded: What ``tf.saved_model.load`` returned.

    Raises:
        KeyError: It has no signature ``serving_default``.
    """

    runtime = NAME
    runtime_version = tf.__version__

    def __init__(self, loaded: object) -> None:
        # The signature's variables live as long as the object that it was loaded with.
        self._loaded = loaded
        self._function = loaded.signatures[SIGNATURE]  # type: ignore[attr-defined]
        (self._input,) = self._function.structured_input_signature[1]
        (self._output,) = self._function.structured_outputs

    @property
    def threads(self) -> int:
        """How many threads TensorFlow may use for an operation."""
        return threads()

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map images ``[n, 28, 28]`` to probabilities ``[n, classes]``."""
        batch = tf.constant(check_images(images))
        outputs = self._function(**{self._input: batch})
        return np.asarray(outputs[self._output].numpy())
