"""The workbook's multilayer perceptron in NumPy: its weights, and what it says about images.

A network is the list of its weights, in the order of Keras's ``get_weights``, so that a model of
Keras is attacked by ``model.get_weights()``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.activations import softmax
from deployworkbook.formulas.perceptron import forward
from deployworkbook.formulas.shares import Share
from deployworkbook.training.data import Split
from deployworkbook.training.mnist import CLASSES, IMAGE_SHAPE

Floats = NDArray[np.float32]
Weights = list[Floats]
# From images, shape [n, 28, 28], to probabilities, shape [n, classes], as a server answers.
Predict = Callable[[Floats], NDArray[np.floating]]

PIXELS = IMAGE_SHAPE[0] * IMAGE_SHAPE[1]
# Images per matrix product, so that a layer's output stays in the processor's cache.
BLOCK = 2000


def initial_weights(
    hidden_units: int, chance: np.random.Generator, *, inputs: int = PIXELS
) -> Weights:
    """Draw weights as Keras does by default: kernels by Glorot and Bengio, biases of 0."""
    weights = []
    for before, after in pairwise((inputs, hidden_units, CLASSES)):
        limit = np.sqrt(6.0 / (before + after))
        kernel = chance.uniform(-limit, limit, (before, after)).astype(np.float32)
        weights += [kernel, np.zeros(after, np.float32)]
    return weights


def flat(images: Floats) -> Floats:
    """Return images as rows of pixels, shape ``[n, 784]``."""
    return images.reshape(len(images), -1)


def logits_of(weights: Sequence[Floats], images: Floats) -> NDArray[np.float64]:
    """Compute a network's logits, shape ``[n, classes]``."""
    single = [np.asarray(each, np.float32) for each in weights]
    rows = flat(images)
    blocks = [
        forward(single, rows[start : start + BLOCK], keep_float32=True)[-1]
        for start in range(0, len(rows), BLOCK)
    ]
    return np.concatenate(blocks).astype(np.float64)


def answers_of(network: Sequence[Floats] | Predict, images: Floats) -> NDArray[np.float64]:
    """Return probabilities: a network's own, or those that a function predicts."""
    if callable(network):
        return np.asarray(network(images), dtype=np.float64)
    return softmax(logits_of(network, images))


def accuracy_of(network: Sequence[Floats] | Predict, split: Split) -> Share:
    """Count the images of a split that are classified correctly.

    Args:
        network: Weights as from ``get_weights``, or a function from images to probabilities.
        split: Images with labels.
    """
    said = (
        answers_of(network, split.images) if callable(network) else logits_of(network, split.images)
    )
    return Share(int((said.argmax(axis=1) == split.labels).sum()), len(split))


def as_vector(arrays: Sequence[NDArray[np.floating] | NDArray[np.bool_]]) -> NDArray[np.float64]:
    """Return all arrays as one vector: update rules look at each weight by itself."""
    return np.concatenate([each.ravel() for each in arrays]).astype(np.float64)


def as_weights(vector: NDArray[np.float64], like: Sequence[NDArray[np.floating]]) -> Weights:
    """Take a vector apart into arrays of the same shapes as others."""
    ends = np.cumsum([each.size for each in like])[:-1]
    parts = np.split(vector.astype(np.float32), ends)
    return [part.reshape(each.shape) for part, each in zip(parts, like, strict=True)]
