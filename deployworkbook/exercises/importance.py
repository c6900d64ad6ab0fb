"""The exercises of lesson 06 on importance: what the article's lost formula says."""

from __future__ import annotations

import numpy as np

from deployworkbook.exercises.declaration import Exercise, GuessQuestion, Mistake

LESSON = "06_pruning"

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
        lesson=LESSON,
        expected="a function that returns an array of the shape of the weights",
        reference=lambda weights, information: information * weights**2 / 2,
        cases=WEIGHTS,
        hints=(
            "The second-order term of the series, with Δ = -w: ½ times the curvature times what?",
            "The information stands for the curvature, and w² is the square of the way to 0.",
            "0.5 * information * weights ** 2",
        ),
        mistakes=(
            Mistake(
                lambda weights, information: information * weights**2,
                "The order is right, but the rise of the loss is half of that: the ½ of the series "
                "is missing.",
            ),
            Mistake(
                lambda weights, information: 0.5 * information * np.abs(weights),
                "The way to 0 counts squared, as in every second-order term.",
            ),
            Mistake(
                lambda weights, information: 0.5 * weights**2,
                "That is magnitude again: the data do not come in. Multiply by the information.",
            ),
            Mistake(
                lambda weights, information: 0.5 * information**2 * weights**2,
                "The information holds squares of gradients already: do not square it again.",
            ),
        ),
    ),
    Exercise(
        id="importance.fisher",
        lesson=LESSON,
        expected="a function that returns one number at least 0 for each weight",
        reference=lambda gradients, probabilities: (
            (probabilities[..., None] * gradients**2).sum(axis=1).mean(axis=0)
        ),
        cases=GRADIENTS,
        hints=(
            "Square first. Then two means: over the classes, as likely as the model says; over the "
            "images, all alike.",
            "probabilities[..., None] has an axis for the weights, so it can be multiplied by "
            "gradients ** 2.",
            "(probabilities[..., None] * gradients ** 2).sum(axis=1).mean(axis=0)",
        ),
        mistakes=(
            Mistake(
                lambda gradients, probabilities: (
                    (probabilities[..., None] * gradients).sum(axis=1).mean(axis=0) ** 2
                ),
                "That is the square of the mean gradient, in which the images and classes cancel. "
                "Fisher information is the mean of the squares: square each gradient first.",
            ),
            Mistake(
                lambda gradients, probabilities: (
                    ((probabilities[..., None] * gradients) ** 2).sum(axis=1).mean(axis=0)
                ),
                "You have squared the probabilities, too. They are weights of a mean: square the "
                "gradients alone.",
            ),
            Mistake(
                lambda gradients, probabilities: (gradients**2).mean(axis=(0, 1)),
                "All classes count alike in that. Each counts as much as the model gives it: "
                "multiply by its probability.",
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
                "That takes the likeliest class alone. The others are rarer, but their gradients "
                "are larger.",
            ),
        ),
    ),
)

PREDICTIONS = (
    GuessQuestion(
        id="importance.black_pixels",
        lesson=LESSON,
        question="Some pixels are black in every image, so their weights can change no "
        "prediction. Half of the first layer's weights go, the smallest ones. How many of those "
        "useless ones stay?",
        choices=("none: training has made them 0", "some of them", "all of them"),
        answer="some of them",
        reason="No gradient ever reaches them, so they are what chance made them at the start: "
        "small ones and large ones.",
    ),
)
