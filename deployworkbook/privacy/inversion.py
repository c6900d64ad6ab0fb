"""Model inversion: pictures of what a model takes for each class, drawn by gradient ascent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from deployworkbook.formulas.activations import softmax
from deployworkbook.formulas.adversarial import input_gradients
from deployworkbook.privacy.networks import Floats, flat, logits_of
from deployworkbook.training.data import Split
from deployworkbook.training.mnist import IMAGE_SHAPE
from deployworkbook.validation import check_integer, check_number


@dataclass(frozen=True, eq=False)
class Inversion:
    """A picture per class, and how much it resembles what the model was trained on.

    Args:
        images: Pictures in 0 … 1, shape ``[classes, 28, 28]``.
        confidences: Probability of its class that the model sees in each, shape ``[classes]``.
        means: Mean image of each class of the examples that it is compared with.
        correlations: Correlation of each picture (rows) with each class's mean image (columns).
    """

    images: Floats
    confidences: NDArray[np.float64]
    means: NDArray[np.float64]
    correlations: NDArray[np.float64]

    @property
    def recognised(self) -> int:
        """Number of pictures that resemble their own class's mean more than any other's."""
        classes = np.arange(len(self.correlations))
        return int((self.correlations.argmax(axis=1) == classes).sum())


def invert_classes(
    network: Sequence[Floats],
    examples: Split,
    *,
    steps: int = 200,
    step_size: float = 0.5,
    smoothing: float = 0.2,
    shrinkage: float = 0.01,
) -> Inversion:
    """Draw what a network takes for each class: climb the probability from a grey picture.

        x ← clip((1 - λ) blur(x - η ∂L/∂x), 0, 1)

    Args:
        network: Weights as from Keras's ``get_weights``.
        examples: Images that the pictures are compared with.
        steps: Number of steps, at least 1.
        step_size: η: the largest move of a pixel per step, above 0.
        smoothing: How far each pixel moves towards its neighbours' mean per step, from 0 to 1;
            neighbouring pixels of real images are alike.
        shrinkage: λ: how much each pixel fades per step, from 0 to below 1; most are black.

    Raises:
        ValueError: A number is out of range.

    Source: M. Fredrikson, S. Jha and T. Ristenpart, "Model inversion attacks that exploit
    confidence information and basic countermeasures", CCS 2015.
    """
    count = check_integer("steps", steps, 1)
    eta = check_number("step_size", step_size, 0, open_low=True)
    blur = check_number("smoothing", smoothing, 0, 1)
    fade = check_number("shrinkage", shrinkage, 0, 1, open_high=True)
    weights = [np.asarray(each, np.float32) for each in network]
    classes = np.arange(len(weights[-1]))
    pictures = np.full((len(classes), *IMAGE_SHAPE), 0.1, np.float32)
    # Products this thin gain nothing from several threads.
    with threadpool_limits(1):
        for _ in range(count):
            slopes = input_gradients(weights, flat(pictures), classes)
            largest = np.abs(slopes).max(axis=1, keepdims=True)
            # Where the model is sure, the slope vanishes; its direction still counts.
            steps_taken = slopes / np.maximum(largest, np.finfo(np.float32).tiny)
            moved = pictures - eta * steps_taken.reshape(pictures.shape)
            moved = (1.0 - fade) * ((1.0 - blur) * moved + blur * _neighbours(moved))
            pictures = np.clip(moved, 0.0, 1.0).astype(np.float32)
    chances = softmax(logits_of(weights, pictures))[classes, classes]
    means = np.stack(
        [examples.images[examples.labels == label].mean(axis=0) for label in classes]
    ).astype(np.float64)
    together = np.corrcoef(np.concatenate([flat(pictures), means.reshape(len(means), -1)]))
    return Inversion(pictures, chances, means, together[: len(classes), len(classes) :])


def _neighbours(images: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the mean of each pixel's four neighbours; beyond the edge it is black."""
    wide = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    total = wide[:, :-2, 1:-1] + wide[:, 2:, 1:-1] + wide[:, 1:-1, :-2] + wide[:, 1:-1, 2:]
    mean: NDArray[np.floating] = total / 4.0
    return mean
