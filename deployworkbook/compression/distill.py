"""Distillation: a student learns a teacher's probabilities for each image, not only its label."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.compression import augmentation, retrain, stepping, training_set
from deployworkbook.compression.augmentation import Augmentation, augment, augmentation_matrices
from deployworkbook.compression.progress import BuildObserver, BuildPart, watched
from deployworkbook.compression.retrain import Retraining, Settings, with_logits
from deployworkbook.compression.training_set import Examples
from deployworkbook.runtimes.litert import LiteRTPredictor
from deployworkbook.training import models
from deployworkbook.training.data import Dataset
from deployworkbook.training.flatbuffer import to_flatbuffer
from deployworkbook.training.keras2 import keras, set_seed, tf
from deployworkbook.training.quiet_tensorflow import threads
from deployworkbook.training.saved import read_model, save_model
from deployworkbook.workspace.cache import build_once, key_of
from deployworkbook.workspace.folder import current_workspace
from deployworkbook.workspace.notices import Notice, notify

# A pixel in each direction, and a small turn either way: the digits stay recognisable.
AUGMENTATIONS = (
    Augmentation(),
    Augmentation(right=1),
    Augmentation(right=-1),
    Augmentation(down=1),
    Augmentation(down=-1),
    Augmentation(turn_degrees=8),
    Augmentation(turn_degrees=-8),
)

# Images per batch of the teacher. From this many images on, converting it to LiteRT, which takes
# seconds, is quicker than TensorFlow's convolutions, which take three times as long.
BATCH_SIZE = 250
MANY = 50_000

TEACHING = Settings(epochs=3, learning_rate=0.003, dropout=True)


def teacher(
    dataset: Dataset,
    *,
    settings: Settings = TEACHING,
    folder: Path | None = None,
    notice: Notice = notify,
    progress: BuildObserver | None = None,
) -> Any:
    """Return the teacher, a CNN: from the cache, or trained now on moved images and cached.

    Args:
        dataset: Its training set is learned from.
        settings: Training settings.
        folder: Folder of the cache; by default the workspace's ``models``.
        notice: Called with a text when it waits for another process or finds damage.
        progress: Observer of the training; by default a tqdm bar.

    Returns:
        A Keras model that maps images to probabilities.
    """

    def build(target: Path) -> None:
        set_seed(settings.seed)
        examples = Examples(dataset.train.images, dataset.train.labels, AUGMENTATIONS)
        training = Retraining(models.cnn(), examples, settings=settings)
        part = BuildPart("teacher", "teacher", training.steps, settings.epochs)
        with watched(progress, part) as bar:
            training.advance(progress=bar)
        save_model(training.result(), target / "model.keras")

    def load(source: Path) -> Any:
        return read_model(source / "model.keras")

    key = key_of(
        {
            "settings": asdict(settings),
            "augmentations": [asdict(each) for each in AUGMENTATIONS],
            "data": dataset.fingerprint,
            "versions": [tf.__version__, keras.__version__],
            "code": [
                inspect.getsource(part)
                for part in (models, retrain, stepping, training_set, augmentation)
            ],
        }
    )
    place = folder or current_workspace().models
    name = f"teacher-{dataset.name}-{key}"
    waiting = None if progress is None else partial(progress.update, 0)
    return build_once(place / name, build=build, load=load, notice=notice, waiting=waiting)[0]


def learn_from(
    dataset: Dataset,
    master: Any,
    *,
    augmentations: Sequence[Augmentation] = (Augmentation(),),
    folder: Path | None = None,
    notice: Notice = notify,
    progress: BuildObserver | None = None,
) -> Examples:
    """Return the training set with a teacher's logits: from the cache, or computed now and cached.

    Args:
        dataset: Its training images are shown to the teacher.
        master: The teacher, a ``keras.Sequential`` that ends in a softmax.
        augmentations: Movements of each image; each has its own logits.
        folder: Folder of the cache; by default the workspace's ``models``.
        notice: Called with a text when it waits for another process or finds damage.
        progress: Observer of the computation; by default none.
    """

    def build(target: Path) -> None:
        logits = logits_of(
            master, dataset.train.images, augmentations=augmentations, progress=progress
        )
        np.save(target / "logits.npy", logits)

    def load(source: Path) -> NDArray[np.float32]:
        logits: NDArray[np.float32] = np.load(source / "logits.npy", allow_pickle=False)
        return logits

    key = key_of(
        {
            "teacher": fingerprint(master),
            "augmentations": [asdict(each) for each in augmentations],
            "data": dataset.fingerprint,
            "code": [inspect.getsource(part) for part in (logits_of, _answering, augmentation)],
        }
    )
    place = folder or current_workspace().models
    logits, _ = build_once(
        place / f"logits-{dataset.name}-{key}",
        build=build,
        load=load,
        notice=notice,
        waiting=None if progress is None else partial(progress.update, 0),
    )
    return Examples(dataset.train.images, dataset.train.labels, tuple(augmentations), logits)


def fingerprint(model: Any) -> str:
    """Hash a model's weights and layer types: equal for models that compute the same."""
    digest = hashlib.sha256(" ".join(type(layer).__name__ for layer in model.layers).encode())
    for weight in model.get_weights():
        digest.update(str(weight.shape).encode())
        digest.update(np.ascontiguousarray(weight).data)
    return digest.hexdigest()[:16]


def logits_of(
    model: Any,
    images: NDArray[np.float32],
    *,
    augmentations: Sequence[Augmentation] = (Augmentation(),),
    progress: BuildObserver | None = None,
) -> NDArray[np.float32]:
    """Compute a model's logits, for each augmentation of each image.

    Args:
        model: A ``keras.Sequential`` that ends in a softmax.
        images: float32, shape ``[n, 28, 28]``.
        augmentations: Movements of each image.
        progress: Observer of the computation; by default none.

    Returns:
        Shape ``[augmentations, n, classes]``.
    """
    move = tf.function(augment, autograph=False, reduce_retracing=True)
    ask = _answering(with_logits(model), len(augmentations) * len(images))
    starts = range(0, len(images), BATCH_SIZE)
    if progress is not None:
        progress.begin(
            BuildPart("the teacher's answers", "answers", len(augmentations) * len(starts))
        )
    answers: list[NDArray[np.float32]] = []
    for matrix in augmentation_matrices(augmentations, images.shape[1:]):
        said = []
        for start in starts:
            moved = move(tf.constant(images[start : start + BATCH_SIZE]), tf.constant(matrix))
            said.append(ask(moved.numpy()))
            if progress is not None:
                progress.update()
        answers.append(np.concatenate(said))
    return np.stack(answers)


def _answering(network: Any, images: int) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Return a function from images to logits; for many of them, by LiteRT."""
    if images < MANY:
        look = tf.function(partial(network, training=False), autograph=False, reduce_retracing=True)
        return lambda batch: np.asarray(look(tf.constant(batch)))
    return LiteRTPredictor(to_flatbuffer(network), threads=threads())


def student(
    examples: Examples, *, settings: Settings, hidden_units: int = 128, progress: Any = None
) -> Any:
    """Train an MLP from scratch, with a teacher's logits or with labels alone.

    Args:
        examples: Training examples, with or without a teacher's logits.
        settings: Training settings; the seed determines the initial weights too.
        hidden_units: Width of the student.
        progress: A tqdm bar to update per step; by default a new one.

    Returns:
        A Keras model that maps images to probabilities.
    """
    set_seed(settings.seed)
    training = Retraining(models.mlp(hidden_units=hidden_units), examples, settings=settings)
    training.advance(progress=progress)
    return training.result()
