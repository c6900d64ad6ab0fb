"""Plain Keras: the model as it was trained, run by ``model.predict``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.runtimes.base import Predictor, check_images
from deployworkbook.runtimes.exporting import FolderRuntime
from deployworkbook.training.keras2 import keras
from deployworkbook.training.quiet_tensorflow import threads
from deployworkbook.training.saved import read_model, save_model
from deployworkbook.training.variant import Variant

NAME = "keras"
FILE_NAME = "model.keras"


class KerasRuntime(FolderRuntime):
    """Exports models as ``.keras`` files and runs them with ``model.predict``.

    The optimizer's state stays behind: Adam's is twice as large as the weights, and predicting
    doesn't need it. Layers that could carry code are refused.
    """

    name = NAME
    refusal = (
        "Keras reads only what it has written. "
        "Run it with the runtime 'litert' or 'onnx', whichever wrote it."
    )

    def _writer(self, variant: Variant) -> Callable[[Path], object]:
        return lambda folder: save_model(variant.model, folder / FILE_NAME)

    def _read(self, folder: Path) -> Predictor:
        return KerasPredictor(read_model(folder / FILE_NAME))


class KerasPredictor:
    """A Keras model whose ``predict`` gets each call's images as one batch.

    Args:
        model: The model.
    """

    runtime = NAME
    runtime_version = keras.__version__

    def __init__(self, model: Any) -> None:
        self._model = model

    @property
    def threads(self) -> int:
        """Threads that TensorFlow may use per operation."""
        return threads()

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map images ``[n, 28, 28]`` to probabilities ``[n, classes]``."""
        # By default, Keras would split the images into batches of 32.
        batch_size = len(check_images(images))
        result: NDArray[np.float32] = self._model.predict(images, batch_size=batch_size, verbose=0)
        return result
