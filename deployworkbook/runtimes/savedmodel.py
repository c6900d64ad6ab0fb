"""TensorFlow's SavedModel: the format that TensorFlow Serving loads."""

from __future__ import annotations

import contextlib
import io
import shutil
import uuid
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deployworkbook.runtimes.base import Artifact, check_images
from deployworkbook.training.keras import tf
from deployworkbook.training.variant import Variant
from deployworkbook.validation import message

NAME = "savedmodel"
SIGNATURE = "serving_default"


class SavedModelRuntime:
    """Exports Keras models as SavedModels and runs their serving signature."""

    name = NAME

    def export(self, variant: Variant, directory: Path) -> Artifact:
        """Write ``directory/<variant>.savedmodel``, a folder; replace an earlier one.

        Args:
            variant: One that holds a Keras model.
            directory: Where to; made if missing.

        Raises:
            ValueError: The variant is a LiteRT file, which cannot become a SavedModel.
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
        directory.mkdir(parents=True, exist_ok=True)
        target = directory / f"{variant.name}.{NAME}"
        temporary = directory / f".{target.name}.{uuid.uuid4().hex}.tmp"
        try:
            # Keras prints the signature, whatever verbosity it is set to.
            with contextlib.redirect_stdout(io.StringIO()):
                variant.model.export(temporary)
            _replace_folder(target, temporary)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return Artifact(target, NAME, variant.name)

    def load(self, artifact: Artifact) -> SavedModelPredictor:
        """Read a SavedModel and take its serving signature.

        Raises:
            FileNotFoundError: There is no such folder.
            ValueError: It is damaged, or has no such signature.
        """
        if not artifact.path.is_dir():
            raise FileNotFoundError(
                f"{artifact.path} is no folder, where a SavedModel was expected. Export it again."
            )
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

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map images ``[n, 28, 28]`` to probabilities ``[n, classes]``."""
        batch = tf.constant(check_images(images))
        return self._function(**{self._input: batch})[self._output].numpy()


def _replace_folder(target: Path, new: Path) -> None:
    """Put a folder in another's place; a kill in between leaves the old one under a hidden name."""
    if not target.exists():
        new.rename(target)
        return
    old = target.with_name(f".{target.name}.{uuid.uuid4().hex}.old")
    target.rename(old)
    new.rename(target)
    shutil.rmtree(old)
