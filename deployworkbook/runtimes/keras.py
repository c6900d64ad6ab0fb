"""Plain Keras: the model as it was trained, asked by ``model.predict``."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.runtimes.base import Artifact, check_images
from deployworkbook.training.keras import SAVE_FORMAT, keras, threads
from deployworkbook.training.variant import Variant
from deployworkbook.validation import message
from deployworkbook.workspace import write_atomically

NAME = "keras"


class KerasRuntime:
    """Exports models as ``.keras`` files and runs them by ``model.predict``."""

    name = NAME

    def export(self, variant: Variant, directory: Path) -> Artifact:
        """Write ``directory/<variant>.keras``; replace an earlier one.

        The optimizer's state stays behind: Adam's is twice as large as the weights, and nobody who
        predicts needs it.

        Args:
            variant: One that holds a Keras model.
            directory: Where to; made if missing.

        Raises:
            ValueError: The variant is a LiteRT file, which Keras cannot read.
        """
        if variant.model is None:
            raise ValueError(
                message(
                    variant.name,
                    received="a LiteRT file",
                    expected="a Keras model",
                    remedy="Run it with the runtime 'litert'.",
                )
            )
        # A copy was never compiled, so it has no optimizer.
        copy = keras.models.clone_model(variant.model)
        copy.set_weights(variant.model.get_weights())
        target = directory / f"{variant.name}.keras"
        with tempfile.TemporaryDirectory() as folder:
            # Keras writes to no name that ends otherwise.
            written = Path(folder) / target.name
            copy.save(written, save_format=SAVE_FORMAT)
            write_atomically(target, written.read_bytes())
        return Artifact(target, NAME, variant.name)

    def load(self, artifact: Artifact) -> KerasPredictor:
        """Read a ``.keras`` file.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: It is damaged.
        """
        if not artifact.path.is_file():
            raise FileNotFoundError(
                f"{artifact.path} is no file, where a Keras model was expected. Export it again."
            )
        try:
            return KerasPredictor(keras.models.load_model(artifact.path, compile=False))
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"{artifact.path} is not a model that Keras has written ({error}). Export it again."
            ) from error


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
