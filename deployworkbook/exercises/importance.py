"""The exercises of lesson 06 on importance: the article's missing formula."""

from __future__ import annotations

import numpy as np

from deployworkbook.exercises.declaration import Exercise, GuessQuestion, Mistake

WEIGHTS = (
    (np.array([2.0, -3.0, 0.5]), np.array([0.5, 0.1, 8.0])),
    (np.array([[-1.0], [4.0]]), np.array([[3.0], [0.0]])),
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


EXERCISES = (
    Exercise(
        id="importance.saliency",
        expected="a function that returns an array of the shape of the weights",
        reference=lambda weights, information: information * weights**2 / 2,
        cases=WEIGHTS,
        hints=(
            "The second-order term of the series, with Δ = -w: ½ times the curvature times what?",
            "The information takes the curvature's place, and w² is the squared distance to 0.",
            "0.5 * information * weights ** 2",
        ),
        mistakes=(
            Mistake(
                lambda weights, information: information * weights**2,
                "The ranking is right, but the loss rises by half of that: the ½ of the series "
                "is missing.",
            ),
            Mistake(
                lambda weights, information: 0.5 * information * np.abs(weights),
                "The distance to 0 is squared, as in every second-order term.",
            ),
            Mistake(
                lambda weights, information: 0.5 * weights**2,
                "That is magnitude again, which ignores the data. Multiply by the information.",
            ),
            Mistake(
                lambda weights, information: 0.5 * information**2 * weights**2,
                "The information already contains squared gradients: don't square it again.",
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
            "(probabilities[..., None] * gradients ** 2).sum(axis=1).mean(axis=0)",
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
