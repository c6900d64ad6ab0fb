"""The exercises of lesson 04: sizes, splits and trustworthy results."""

from __future__ import annotations

import numpy as np

from deployworkbook.exercises.declaration import Exercise, GuessQuestion, Mistake
from deployworkbook.formulas.preprocessing import Standardisation

SETS = (
    (np.array([[1.0, 10.0], [3.0, 30.0]]), np.array([[5.0, 20.0], [7.0, 26.0]])),
    (np.array([[0.0], [2.0], [4.0]]), np.array([[10.0], [11.0]])),
)

EXERCISES = (
    Exercise(
        id="training.weights",
        expected="a whole number of weights",
        reference=784 * 64 + 64 + 64 * 10 + 10,
        hints=(
            "Each hidden unit has a weight per pixel, and a bias.",
            "The first layer has 784 · 64 + 64.",
            "784 · 64 + 64 + 64 · 10 + 10",
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
)
