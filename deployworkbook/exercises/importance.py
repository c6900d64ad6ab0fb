"""The exercises of lesson 06 on importance: the article's missing formula."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deployworkbook.exercises.declaration import Exercise, GuessQuestion, Mistake

ONE_WEIGHT = (
    (0.5, np.array([0.0, 1.0, 0.5])),
    (-2.0, np.array([1.0, 0.25])),
)
GRADIENTS = (
    (
        np.array([[[0.5, 0.0], [-1.5, 2.0]], [[0.2, 1.0], [-0.8, -4.0]]]),
        np.array([[0.75, 0.25], [0.8, 0.2]]),
    ),
    (
        np.array([[[1.0, 3.0, 0.0], [-2.0, 1.0, 0.5], [0.0, -5.0, -1.0]]]),
        np.array([[0.5, 0.3, 0.2]]),
    ),
)


def _first_class(weight: float, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each image's probability of the first class."""
    return np.asarray(1 / (1 + np.exp(-weight * pixels)))


def _one_weight(weight: float, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each image's part: P (x (1 - P))² + (1 - P) (x P)² = x² P (1 - P)."""
    P = _first_class(weight, pixels)
    return np.asarray(pixels**2 * P * (1 - P))


EXERCISES = (
    Exercise(
        id="importance.one_weight",
        expected="a function of weight and pixels that returns a number of at least 0",
        reference=lambda weight, pixels: _one_weight(weight, pixels).mean(),
        cases=ONE_WEIGHT,
        hints=(
            "With P = 1 / (1 + exp(-w x)), the derivative of log P is x (1 - P). Which one is that "
            "of log(1 - P)?",
            "The derivative of log(1 - P) is -x P. Square both; then average them with the "
            "probabilities P and 1 - P.",
            "P (x (1 - P))² + (1 - P) (x P)² is x² P (1 - P). What is left is the average over "
            "the images.",
            "P = 1 / (1 + np.exp(-weight * pixels)); (pixels**2 * P * (1 - P)).mean()",
        ),
        mistakes=(
            Mistake(
                lambda w, x: _one_weight(w, x).sum(),
                "That sums over the images. The expectation over P(x) is a mean.",
            ),
            Mistake(
                lambda w, x: (_first_class(w, x) * (1 - _first_class(w, x))).mean(),
                "The pixel is missing: by the chain rule, the derivative of w x with respect to w "
                "is x. A black pixel gives no information.",
            ),
            Mistake(
                lambda w, x: (x * _first_class(w, x) * (1 - _first_class(w, x))).mean(),
                "The pixel is a factor of the gradient, so it is squared along with the rest.",
            ),
            Mistake(
                lambda w, x: (x**2 * _first_class(w, x) * (1 - _first_class(w, x)) ** 2).mean(),
                "That is the first class's part. Add the second one's: its gradient is -x P, and "
                "its probability 1 - P.",
            ),
            Mistake(
                lambda w, x: (x**2 * (1 - _first_class(w, x)) ** 2).mean(),
                "That assumes that the first class is always the right one. Average over both "
                "classes, with the model's own probabilities.",
            ),
            Mistake(
                lambda w, x: (
                    x**2 * ((1 - _first_class(w, x)) ** 2 + _first_class(w, x) ** 2) / 2
                ).mean(),
                "That weights both classes equally. Weight each by the model's probability for it.",
            ),
            Mistake(
                lambda w, x: 0.0,
                "The average gradient is always 0, because the two classes cancel out. Square "
                "each gradient first, then average.",
            ),
        ),
    ),
    Exercise(
        id="importance.fisher",
        expected="a function that returns one number of at least 0 per weight",
        reference=lambda gradients, probabilities: (
            (probabilities[..., None] * gradients**2).sum(axis=1).mean(axis=0)
        ),
        cases=GRADIENTS,
        hints=(
            "Square first. Then take two means: over the classes, weighted by their probability, "
            "and over the images, all weighted equally.",
            "probabilities[..., None] has an axis for the weights, so it can be multiplied by "
            "gradients ** 2.",
            "(probabilities[..., None] * gradients**2).sum(axis=1).mean(axis=0)",
        ),
        mistakes=(
            Mistake(
                lambda gradients, probabilities: (
                    (probabilities[..., None] * gradients).sum(axis=1).mean(axis=0) ** 2
                ),
                "That is the square of the mean gradient, in which images and classes cancel out. "
                "Fisher information is the mean of the squares: square each gradient first.",
            ),
            Mistake(
                lambda gradients, probabilities: (
                    ((probabilities[..., None] * gradients) ** 2).sum(axis=1).mean(axis=0)
                ),
                "You have squared the probabilities too. They are the weights of a mean: square "
                "only the gradients.",
            ),
            Mistake(
                lambda gradients, probabilities: (gradients**2).mean(axis=(0, 1)),
                "That weights all classes equally. Weight each class by the model's probability "
                "for it.",
            ),
            Mistake(
                lambda gradients, probabilities: (probabilities[..., None] * gradients**2).sum(
                    axis=(0, 1)
                ),
                "That sums over the images. The expectation over P(x) is a mean.",
            ),
            Mistake(
                lambda gradients, probabilities: (
                    gradients[np.arange(len(gradients)), probabilities.argmax(axis=1)] ** 2
                ).mean(axis=0),
                "That takes only the most likely class. The others are rarer, but their gradients "
                "are larger.",
            ),
        ),
    ),
)

PREDICTIONS = (
    GuessQuestion(
        id="importance.divergence",
        question="You move the weight by a small Δ, then by twice as much. How much larger is the "
        "KL divergence the second time?",
        choices=("about twice as large", "about four times as large", "about the same"),
        answer="about four times as large",
        reason="The divergence is 0 without a move and positive on either side, so near 0 it is a "
        "parabola: twice the move, four times the divergence.",
    ),
    GuessQuestion(
        id="importance.black_pixels",
        question="Some pixels are black in every image, so their weights can't change any "
        "prediction. You prune the smallest half of the first layer's weights. How many of the "
        "useless weights remain?",
        choices=("none: training has made them 0", "some of them", "all of them"),
        answer="some of them",
        reason="No gradient ever reaches them, so they keep their random initial values: some are "
        "small, and some are large.",
    ),
)
