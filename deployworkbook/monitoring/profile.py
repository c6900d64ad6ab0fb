"""What a model's inputs and answers looked like at release: the reference of all comparisons."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.label_free import confidence_threshold, negative_entropy
from deployworkbook.validation import (
    check_array,
    check_integer,
    check_labels,
    check_same_shape,
    describe,
    value_error,
)
from deployworkbook.workspace.files import atomic_path

Array = NDArray[np.float64]

DOUBT, BRIGHTNESS, CLASSES, EMBEDDING = "doubt", "brightness", "classes", "embedding"
# Embeddings to keep: their detector compares each pair.
MOST_EMBEDDINGS = 1000
_LEAST = 100
# What a file says besides the features.
_ABOUT = ("classes", "model_sha256", "data_sha256", "certainty_threshold")


@dataclass(frozen=True, eq=False)
class Profile:
    """What each image of a validation set looked like to the model, in random order.

    The first half is the reference, the second half is held out: thresholds are calibrated on it,
    because a detector sees its own reference as cleaner than anything to come.

    Args:
        features: Numbers per image by name: ``doubt`` (1 - largest probability), ``brightness``
            (mean of the pixels), ``classes`` (the predicted class), shape ``[n]``; perhaps
            ``embedding``, shape ``[e, d]``.
        classes: Number of classes.
        model_sha256: Hash of the model's files.
        data_sha256: Hash of the images.
        certainty_threshold: As large a share of the images is as certain as this (by
            ``negative_entropy``) as was answered right; ``None`` if nobody knew the right answers.
    """

    features: Mapping[str, Array]
    classes: int
    model_sha256: str
    data_sha256: str
    certainty_threshold: float | None = None

    def reference(self, feature: str) -> Array:
        """Return a feature of the images to compare with.

        Args:
            feature: Its name.
        """
        values = self.features[feature]
        return values[: len(values) // 2]

    def held_out(self, feature: str) -> Array:
        """Return a feature of the images to calibrate thresholds on.

        Args:
            feature: Its name.
        """
        values = self.features[feature]
        return values[len(values) // 2 :]

    def check_model(self, sha256: str) -> None:
        """Raise an error if the profile is of another model.

        Args:
            sha256: Hash of the model that is served.

        Raises:
            ValueError: It differs.
        """
        if sha256 != self.model_sha256:
            raise value_error(
                "model",
                received=f"files with the hash {sha256[:12]}…",
                expected=f"those of the profile, {self.model_sha256[:12]}…",
                remedy="Make a profile of the model that is served: make_profile.",
            )

    def save(self, path: Path) -> None:
        """Write the profile to a file.

        Args:
            path: The file, usually ``….npz``.
        """
        about = {name: getattr(self, name) for name in _ABOUT}
        arrays: dict[str, Any] = {name: np.asarray(a) for name, a in self.features.items()}
        with atomic_path(Path(path)) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, about=np.array(json.dumps(about)), **arrays)


def make_profile(
    inputs: ArrayLike,
    outputs: ArrayLike,
    *,
    model_sha256: str,
    labels: ArrayLike | None = None,
    embeddings: ArrayLike | None = None,
    seed: int = 0,
) -> Profile:
    """Describe a model on images that are neither trained on nor tested with.

    Args:
        inputs: The images as the model gets them, shape ``[n, ...]``, n at least 100; 6,000 are
            good.
        outputs: The probabilities of the classes, shape ``[n, classes]``.
        model_sha256: Hash of the model's files.
        labels: The right classes, shape ``[n]``; with them, accuracy can be estimated later by a
            threshold, which needs no calibrated model.
        embeddings: What a hidden layer says of the images, shape ``[n, d]``; without it, no
            detector of embeddings is made.
        seed: Seed of the random order.

    Raises:
        ValueError: There are too few images, or the numbers differ.

    >>> generator = np.random.default_rng(0)
    >>> images = generator.random((200, 28, 28))
    >>> profile = make_profile(images, generator.dirichlet(np.ones(10), 200), model_sha256="ab")
    >>> profile.reference("doubt").shape, profile.held_out("classes").shape
    ((100,), (100,))
    """
    found = features_of(inputs, outputs)
    count = len(found[DOUBT])
    if count < _LEAST:
        raise value_error("inputs", received=f"{count} images", expected=f"at least {_LEAST}")
    order = np.random.default_rng(check_integer("seed", seed, 0)).permutation(count)
    features = {name: values[order] for name, values in found.items()}
    if embeddings is not None:
        hidden = check_array("embeddings", embeddings, ndim=2)
        if len(hidden) != count:
            raise value_error(
                "embeddings", received=f"{len(hidden)} rows", expected=f"one per image, {count}"
            )
        features[EMBEDDING] = hidden[order[:MOST_EMBEDDINGS]]
    digest = hashlib.sha256(np.ascontiguousarray(inputs).tobytes()).hexdigest()
    classes = int(np.shape(outputs)[-1])
    threshold = None
    if labels is not None:
        true = check_labels("labels", labels, classes)
        check_same_shape("labels", true, "predicted classes", found[CLASSES])
        threshold = confidence_threshold(negative_entropy(outputs), found[CLASSES] == true)
    return Profile(features, classes, model_sha256, digest, threshold)


def load_profile(path: Path) -> Profile:
    """Read a profile that ``Profile.save`` wrote; nothing in it is executed.

    Args:
        path: The file.

    Raises:
        FileNotFoundError: There is none.
        ValueError: The file is no profile.
    """
    try:
        with np.load(Path(path), allow_pickle=False) as file:
            about = json.loads(str(file["about"]))
            features = {name: file[name].astype(np.float64) for name in file if name != "about"}
        threshold = about["certainty_threshold"]
        return Profile(
            features,
            int(about["classes"]),
            about["model_sha256"],
            about["data_sha256"],
            None if threshold is None else float(threshold),
        )
    except FileNotFoundError:
        raise
    except (KeyError, ValueError, TypeError, OSError, EOFError) as error:
        raise value_error(
            "profile",
            received=f"{path} ({error})",
            expected="a file that Profile.save wrote",
            remedy="Make it again with make_profile.",
        ) from error


def features_of(inputs: ArrayLike, outputs: ArrayLike) -> dict[str, Array]:
    """Reduce images and answers to a few numbers per image.

    Args:
        inputs: The images, shape ``[n, ...]``.
        outputs: The probabilities of the classes, shape ``[n, classes]``.

    Returns:
        ``doubt``, ``brightness`` and ``classes``, each of shape ``[n]``.

    Raises:
        ValueError: The numbers of images and answers differ.

    >>> features_of(np.full((1, 2, 2), 0.5), [[0.9, 0.1]])["brightness"]
    array([0.5])
    """
    probabilities = np.asarray(outputs)
    images = np.asarray(inputs)
    if probabilities.ndim != 2 or images.ndim < 1 or len(images) != len(probabilities):
        raise value_error(
            "outputs",
            received=describe(probabilities),
            expected=f"a row of probabilities per image, shape ({len(images)}, classes)",
        )
    flat = images.reshape(len(images), -1)
    return {
        DOUBT: 1.0 - probabilities.max(axis=-1).astype(np.float64),
        BRIGHTNESS: flat.mean(axis=-1, dtype=np.float64),
        CLASSES: probabilities.argmax(axis=-1).astype(np.float64),
    }


def without(profile: Profile, feature: str) -> Profile:
    """Return a profile that lacks a feature, such as the embeddings.

    Args:
        profile: The profile.
        feature: The feature's name.
    """
    kept = {name: values for name, values in profile.features.items() if name != feature}
    return replace(profile, features=kept)
