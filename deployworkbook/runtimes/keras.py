"""Plain Keras: the model as it was trained, asked by ``model.predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.runtimes.base import Artifact, check_images
from deployworkbook.runtimes.exporting import check_artifact, check_form, write_artifact
from deployworkbook.training.keras2 import keras, threads
from deployworkbook.training.saved import read_model, save_model
from deployworkbook.training.variant import Variant

NAME = "keras"
FILE_NAME = "model.keras"


class KerasRuntime:
    """Exports models as ``.keras`` files and runs them by ``model.predict``."""

    name = NAME

    def export(self, variant: Variant, directory: Path) -> Artifact:
        """Write ``directory/<variant>.keras/model.keras``; replace an earlier one.

        The optimizer's state stays behind: Adam's is twice as large as the weights, and nobody who
        predicts needs it.

        Args:
            variant: One that holds a Keras model.
            directory: Where to; made if missing.

        Raises:
            ValueError: The variant is a file of LiteRT or ONNX, which Keras cannot read, or has a
                layer that could not be read again without running code of the file.
        """
        check_form(
            variant,
            "model",
            reason="Keras reads only what it has written.",
            remedy="Run it with the runtime 'litert' or 'onnx', whichever wrote it.",
        )
        return write_artifact(
            variant,
            directory,
            runtime=NAME,
            write=lambda folder: save_model(variant.model, folder / FILE_NAME),
        )

    def load(self, artifact: Artifact) -> KerasPredictor:
        """Read an artifact of this runtime.

        Raises:
            FileNotFoundError: It is not there.
            ValueError: It is damaged, of another runtime, or holds layers that could carry code.
        """
        check_artifact(artifact, NAME)
        return KerasPredictor(read_model(artifact.path / FILE_NAME))


class KerasPredictor:
    """A Keras model and its ``predict``, each call of which is one batch.

    Args:
        model: The model.
    """

    runtime = NAME
    runtime_version = keras.__version__

    def __init__(self, model: Any) -> None:
        self._model = model

    @property
    def threads(self) -> int:
        """How many threads TensorFlow may use for an operation."""
        return threads()

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map images ``[n, 28, 28]`` to probabilities ``[n, classes]``."""
        # By default it would cut what it gets into batches of 32.
        batch_size = len(check_images(images))
        result: NDArray[np.float32] = self._model.predict(images, batch_size=batch_size, verbose=0)
        return result
