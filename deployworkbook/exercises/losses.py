"""The exercises of lesson 02: losses and their gradients."""

from __future__ import annotations

import numpy as np

from deployworkbook.exercises.declaration import Exercise, GuessQuestion, Mistake
from deployworkbook.formulas.activations import log_sum_exp, softmax
from deployworkbook.formulas.distributions import one_hot
from deployworkbook.formulas.losses import (
    categorical_cross_entropy_from_logits,
    categorical_cross_entropy_from_logits_gradient,
    mean_squared_error,
)

VECTORS = (
    (np.array([1.0, 2.0, 4.0]), np.array([1.0, 0.0, 1.0])),
    (np.array([0.5, -1.5]), np.array([0.0, 0.0])),
)
LOGITS = (
    (np.array([0.0, 1.0, -2.0]), 0),
    (np.array([3.0, 2.5]), 1),
)
HUGE_LOGITS = ((np.array([1.0, 2.0]),), (np.array([1000.0, 1001.0]),), (np.array([-1e4, 0.0]),))

# Logits by example and class, and the labels.
MANY_LOGITS = (
    (np.array([[1.0, 2.0, 0.0], [0.5, -1.0, 3.0]]), np.array([1, 0])),
    (np.array([[1000.0, 0.0], [0.0, 1000.0]]), np.array([0, 0])),
    (np.array([[1000.0, 999.0], [-1000.0, -1001.0]]), np.array([0, 1])),
)


def _target(logits: np.ndarray, label: int) -> np.ndarray:
    row: np.ndarray = one_hot([label], len(logits))[0]
    return row


def _naive_log_sum_exp(logits: np.ndarray) -> float:
    with np.errstate(over="ignore", divide="ignore"):
        return float(np.log(np.exp(logits).sum()))


def _mean_loss(logits: np.ndarray, labels: np.ndarray) -> float:
    targets = one_hot(labels, logits.shape[1])
    return float(categorical_cross_entropy_from_logits(targets, logits).mean())


def _many(logits: np.ndarray, labels: np.ndarray, subtracted: float) -> float:
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        sums = subtracted + np.log(np.exp(logits - subtracted).sum(axis=1))
        return float(np.mean(sums - logits[np.arange(len(labels)), labels]))


def _from_probabilities(logits: np.ndarray, labels: np.ndarray) -> float:
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        exponentials = np.exp(logits)
        chances = exponentials / exponentials.sum(axis=1, keepdims=True)
        return float(-np.log(chances[np.arange(len(labels)), labels]).mean())


EXERCISES = (
    Exercise(
        id="losses.mean",
        expected="a function of two arrays (targets, predictions) that returns a number",
        reference=lambda targets, predictions: mean_squared_error(targets, predictions),
        cases=VECTORS,
        hints=(
            "Square the differences, then average them.",
            "np.mean averages; ** 2 squares.",
            "np.mean((predictions - targets) ** 2)",
        ),
        mistakes=(
            Mistake(
                lambda targets, predictions: ((targets - predictions) ** 2).sum(),
                "That is the sum of the squares. Divide by their number: a loss that is a sum "
                "grows with the size of the data.",
            ),
            Mistake(
                lambda targets, predictions: np.sqrt(((targets - predictions) ** 2).mean()),
                "That is the root mean squared error. Leave out the root.",
            ),
            Mistake(
                lambda targets, predictions: np.abs(targets - predictions).mean(),
                "That is the mean absolute error: square the differences first.",
            ),
        ),
    ),
    Exercise(
        id="losses.logits",
        expected="a number of nats",
        reference=float(categorical_cross_entropy_from_logits([0.0, 1.0, 0.0], [0.5, 0.3, 0.2])),
        relative_tolerance=1e-3,
        hints=(
            "The three numbers are logits: the softmax turns them into probabilities.",
            "Then take minus the logarithm of the true class's probability.",
            "-np.log(softmax([0.5, 0.3, 0.2])[1])",
        ),
        mistakes=(
            Mistake(
                -np.log(0.3),
                "You have mistaken the logits for probabilities. They sum to 1 by chance: "
                "apply the softmax.",
            ),
            Mistake(-np.log(softmax([0.5, 0.3, 0.2])[0]), "That is the loss for class 0."),
            Mistake(
                np.log(softmax([0.5, 0.3, 0.2])[1]), "A loss is never negative: check the sign."
            ),
        ),
    ),
    Exercise(
        id="losses.softmax_gradient",
        expected="a function of logits and a label that returns an array, one number per logit",
        reference=lambda logits, label: categorical_cross_entropy_from_logits_gradient(
            _target(logits, label), logits
        ),
        cases=LOGITS,
        hints=(
            "The exponentials cancel: only the probabilities and the target remain.",
            "It is p - y, with y the one-hot target.",
            "p = softmax(logits); p[label] -= 1; return p",
        ),
        mistakes=(
            Mistake(
                lambda logits, label: _target(logits, label) - softmax(logits),
                "The sign is wrong: the gradient points where the loss grows.",
            ),
            Mistake(
                lambda logits, label: -_target(logits, label) / softmax(logits),
                "That is the gradient with respect to the probabilities. Go one step further, "
                "through the softmax.",
            ),
            Mistake(
                lambda logits, label: logits - _target(logits, label),
                "You have used the logits in place of the probabilities.",
            ),
        ),
    ),
    Exercise(
        id="losses.log_sum_exp",
        expected="a function of an array of logits that returns a finite number",
        reference=lambda logits: float(log_sum_exp(logits)),
        cases=HUGE_LOGITS,
        hints=(
            "e to the power of 1000 exceeds float64. What can you subtract from all logits first?",
            "Subtract the largest, and add it back to the logarithm.",
            "m = logits.max(); return m + np.log(np.exp(logits - m).sum())",
        ),
        mistakes=(
            Mistake(
                _naive_log_sum_exp,
                "That is right for small logits, but infinite for 1000: subtract the largest "
                "before the exponential.",
            ),
            Mistake(
                lambda logits: float(np.log(np.exp(logits - logits.max()).sum())),
                "You have subtracted the largest, but not added it back.",
            ),
        ),
    ),
    Exercise(
        id="losses.many",
        expected="a function of logits and labels that returns a finite number",
        reference=_mean_loss,
        cases=MANY_LOGITS,
        hints=(
            "Write it for one row first, with your answer to exercise 4.",
            "m = logits.max(axis=1, keepdims=True) is each row's largest logit. The logits of the "
            "right classes are logits[np.arange(len(labels)), labels].",
            "sums = m[:, 0] + np.log(np.exp(logits - m).sum(axis=1)); "
            "return np.mean(sums - logits[np.arange(len(labels)), labels])",
        ),
        mistakes=(
            Mistake(
                lambda logits, labels: _mean_loss(logits, labels) * len(labels),
                "That is the sum over the examples. Take the mean, so that the loss doesn't grow "
                "with the number of examples.",
            ),
            Mistake(
                lambda logits, labels: -_mean_loss(logits, labels),
                "A cross-entropy is never negative: check the sign.",
            ),
            Mistake(
                lambda logits, labels: _many(logits, labels, 0.0),
                "That is right for small logits, but not finite for 1000: subtract the largest "
                "logit before the exponential.",
            ),
            Mistake(
                _from_probabilities,
                "You have computed the probabilities first. One of them became 0 or not a number; "
                "compute the logarithm of the sum from the logits.",
            ),
            Mistake(
                lambda logits, labels: _many(logits, labels, logits.max()),
                "You have subtracted the largest logit of all examples. Another row may lie far "
                "below it: subtract each row's own, with axis=1 and keepdims=True.",
            ),
        ),
    ),
)

PREDICTIONS = (
    GuessQuestion(
        id="losses.push",
        question="The model is sure that it sees a dog, but it is a cat. Cross-entropy pushes the "
        "cat's logit up with a gradient close to −1. How hard does the squared error push?",
        choices=("about as hard", "about half as hard", "practically not at all"),
        answer="practically not at all",
        reason="The softmax is flat there, so a small step of the logit changes the probability, "
        "and with it the squared error, by almost nothing.",
    ),
)
