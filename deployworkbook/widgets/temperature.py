"""The temperature explorer: how softened probabilities show a teacher's second choices."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.distillation import softened_softmax
from deployworkbook.plots.temperature import TemperatureResult, TemperatureView
from deployworkbook.validation import check_array, check_labels, value_error
from deployworkbook.widgets.controls import LogSlider, Slider
from deployworkbook.widgets.explorer import Explorer

LOWEST, HIGHEST = 0.25, 20.0
CURVE = np.geomspace(LOWEST, HIGHEST, 60)


def compute_temperature(
    logits: NDArray[np.float64],
    images: NDArray[np.float64],
    labels: NDArray[np.int64],
    *,
    image: int,
    temperature: float,
) -> TemperatureResult:
    """Soften a teacher's answer to one image.

    Args:
        logits: Teacher's logits, shape ``[n, classes]``.
        images: Images in 0 … 1, shape ``[n, 28, 28]``.
        labels: True classes, shape ``[n]``.
        image: Index of the image, from 0.
        temperature: T, above 0.

    >>> one = compute_temperature(
    ...     np.log([[0.9, 0.1]]), np.zeros((1, 28, 28)), np.array([0]), image=0, temperature=2.0
    ... )
    >>> one.softened  # √0.9 : √0.1 = 3 : 1
    array([0.75, 0.25])
    """
    own = logits[image]
    softened = softened_softmax(own, temperature=temperature)
    return TemperatureResult(
        image=images[image],
        label=int(labels[image]),
        temperature=temperature,
        probabilities=softened_softmax(own, temperature=1.0),
        softened=softened,
        entropy=_entropy(softened),
        temperatures=CURVE,
        entropies=np.array([_entropy(softened_softmax(own, temperature=t)) for t in CURVE]),
    )


def temperature_explorer(
    logits: ArrayLike, images: ArrayLike, labels: ArrayLike
) -> Explorer[TemperatureResult]:
    """Make the temperature explorer.

    Args:
        logits: Teacher's logits, shape ``[n, classes]``, n at least 2.
        images: Images in 0 … 1, shape ``[n, 28, 28]``.
        labels: True classes, shape ``[n]``.

    Raises:
        ValueError: A shape differs.
    """
    scores = check_array("logits", logits, ndim=2)
    count, classes = scores.shape
    seen = check_array("images", images, ndim=3, shape=(28, 28))
    true = check_labels("labels", labels, classes)
    if not len(seen) == len(true) == count >= 2:
        received = f"{count} logits, {len(seen)} images and {len(true)} labels"
        raise value_error(
            "logits", received=received, expected="the same number of each, at least 2"
        )
    controls = [
        LogSlider("temperature", "temperature", LOWEST, HIGHEST, 20, 4.0),
        Slider("image", "image", 0, count - 1, 1, 0),
    ]
    compute = partial(compute_temperature, scores, seen, true)
    return Explorer(controls, compute, TemperatureView(classes, LOWEST, HIGHEST))


def _entropy(probabilities: NDArray[np.float64]) -> float:
    """Return the entropy H = -Σ p log p, with 0 log 0 = 0."""
    positive = probabilities[probabilities > 0]
    return float(-(positive * np.log(positive)).sum())
