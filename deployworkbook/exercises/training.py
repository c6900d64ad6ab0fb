"""The exercises of lesson 04 on data, sizes, learning rates and seeds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deployworkbook.exercises.declaration import Exercise, GuessQuestion, Mistake
from deployworkbook.formulas.preprocessing import Standardisation
from deployworkbook.formulas.schedules import cosine_decay

SETS = (
    (np.array([[1.0, 10.0], [3.0, 30.0]]), np.array([[5.0, 20.0], [7.0, 26.0]])),
    (np.array([[0.0], [2.0], [4.0]]), np.array([[10.0], [11.0]])),
)

RATES = ((100, 400, 0.2), (0, 10, 0.1), (300, 400, 0.2), (10, 10, 0.3))
# Accuracies of two ways to train, with the same seeds: the first pair moves up and down together.
PAIRS = (
    (np.array([0.91, 0.93, 0.90, 0.94]), np.array([0.92, 0.95, 0.91, 0.95])),
    (np.array([0.80, 0.84, 0.82]), np.array([0.83, 0.81, 0.82])),
)


def _paired(first: NDArray[np.float64], second: NDArray[np.float64]) -> list[float]:
    gains = second - first
    return [gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))]


def _biased(first: NDArray[np.float64], second: NDArray[np.float64]) -> list[float]:
    gains = second - first
    return [gains.mean(), gains.std() / np.sqrt(len(gains))]


def _unpaired(first: NDArray[np.float64], second: NDArray[np.float64]) -> list[float]:
    spread = np.sqrt((first.var(ddof=1) + second.var(ddof=1)) / len(first))
    return [second.mean() - first.mean(), spread]


EXERCISES = (
    Exercise(
        id="training.weights",
        expected="a whole number of weights",
        reference=784 * 64 + 64 + 64 * 10 + 10,
        hints=(
            "Each hidden unit has a weight per pixel, and a bias.",
            "The first layer has 784 · 64 + 64.",
            "784 * 64 + 64 + 64 * 10 + 10",
        ),
        mistakes=(
            Mistake(784 * 64 + 64 * 10, "The biases are missing: one per unit."),
            Mistake(784 * 128 + 128 + 128 * 10 + 10, "That is the model with 128 hidden units."),
            Mistake(784 * 64 + 64, "That is only the first layer."),
        ),
    ),
    Exercise(
        id="training.standardise",
        expected="a function of the training and the test set that returns the test set, scaled",
        reference=lambda train, test: Standardisation.learn(train).apply(test),
        cases=SETS,
        hints=(
            "The mean and the deviation come from one of the two sets. Which one may you look at?",
            "Subtract the training set's mean from the test set, column by column (axis=0).",
            "(test - train.mean(axis=0)) / train.std(axis=0)",
        ),
        mistakes=(
            Mistake(
                lambda train, test: (test - test.mean(axis=0)) / test.std(axis=0),
                "You have computed the mean and deviation on the test set, which stands for images "
                "that don't exist yet.",
            ),
            Mistake(
                lambda train, test: (test - train.mean()) / train.std(),
                "You use one mean for all columns, but each feature has its own (axis=0).",
            ),
            Mistake(
                lambda train, test: (train - train.mean(axis=0)) / train.std(axis=0),
                "That is the training set, standardised. The question asks for the test set.",
            ),
        ),
    ),
    Exercise(
        id="training.cosine",
        expected="a function of the step, the number of steps and the highest rate that returns "
        "a rate",
        reference=lambda step, steps, highest: float(cosine_decay(step, steps, highest)),
        cases=RATES,
        hints=(
            "The cosine of 0 is 1, and that of π is -1. Which angle belongs to a step?",
            "With the angle π · step / steps, how do you move -1 … 1 to 0 … highest?",
            "highest * (1 + math.cos(math.pi * step / steps)) / 2",
        ),
        mistakes=(
            Mistake(
                lambda step, steps, highest: highest * np.cos(np.pi * step / steps),
                "In the second half your rate is negative, and training would climb. Move the "
                "cosine up before you scale it.",
            ),
            Mistake(
                lambda step, steps, highest: highest * (1 - np.cos(np.pi * step / steps)) / 2,
                "Your rate rises from 0 to the highest. It should fall.",
            ),
            Mistake(
                lambda step, steps, highest: highest * np.cos(np.pi / 2 * step / steps),
                "That is a quarter of a wave, which falls steeply at the end. Take half a wave: "
                "flat at the start and flat at the end.",
            ),
            Mistake(
                lambda step, steps, highest: highest * (1 - step / steps),
                "That is a straight line. It is a schedule too, but not this one.",
            ),
        ),
    ),
    Exercise(
        id="training.paired",
        expected="a function of the accuracies of both ways, by seed, that returns two numbers: "
        "the mean gain of the second, and its standard error",
        reference=_paired,
        cases=PAIRS,
        hints=(
            "The same seed gives both ways the same first weights and the same batches. So "
            "subtract seed by seed first.",
            "The standard error of a mean is the standard deviation of what you average, divided "
            "by the root of how many there are. A sample's deviation divides by n - 1 (ddof=1).",
            "gains = second - first; return gains.mean(), gains.std(ddof=1) / len(gains) ** 0.5",
        ),
        mistakes=(
            Mistake(
                _biased,
                "Your deviation divides by n. Around the sample's own mean the spread looks too "
                "small, so divide by n - 1: std(ddof=1).",
            ),
            Mistake(
                lambda first, second: [
                    (second - first).mean(),
                    (second - first).std(ddof=1),
                ],
                "That is the spread of single seeds. The mean of n seeds is surer than that, by "
                "the root of n.",
            ),
            Mistake(
                _unpaired,
                "You treat the two as unrelated. Take the difference seed by seed: what a seed "
                "does to both ways then cancels.",
            ),
            Mistake(
                lambda first, second: _paired(second, first),
                "You subtract the wrong way round: a gain of the second is second - first.",
            ),
        ),
    ),
)

PREDICTIONS = (
    GuessQuestion(
        id="training.first_epoch",
        question="Which loss will be lower in the first epoch?",
        choices=("that on the training set", "that on the validation set"),
        answer="that on the validation set",
        reason="The training loss is averaged while the model is still learning, and dropout "
        "raises only the training loss.",
    ),
    GuessQuestion(
        id="training.few_images",
        question="Now the model sees only a few hundred images, and trains for many epochs. What "
        "does the loss on the validation set do?",
        choices=(
            "it falls, and keeps falling slowly",
            "it falls, and then stays level",
            "it falls, and then rises",
        ),
        answer="it falls, and then rises",
        reason="After some epochs the model gets nearly all training images right, and can lower "
        "their loss only by growing surer. It grows surer of its mistakes on new images as well, "
        "and the logarithm punishes a sure mistake without limit.",
    ),
)
