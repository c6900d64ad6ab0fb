"""Exercises of lesson 15 on privacy and attacks: clipping, budgets, rates, a step uphill."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.exercises.declaration import Exercise, GuessQuestion, Mistake

Array = NDArray[np.float64]

# One gradient per row; the largest length allowed.
GRADIENTS = (
    (np.array([[3.0, 4.0], [0.3, -0.4], [-6.0, 8.0]]), 1.0),
    (np.array([[0.1, 0.2, 0.2], [10.0, 0.0, 0.0]]), 2.0),
)
# ε and δ of each training.
BUDGETS = (([1.0, 1.0, 3.0], [1e-5, 1e-5, 1e-6]), ([0.5] * 12, [1e-5] * 12))
# Scores of members, scores of the others, the largest allowed rate of false alarms.
SCORES = (
    (np.arange(0.0, 100.0) * 1.5 + 0.25, np.arange(0.0, 101.0), 0.1),
    (np.linspace(0.0, 3.0, 100) ** 2, np.linspace(0.0, 4.5, 201), 0.01),
)
# Pixels, the loss's slope for each of them, the largest change of a pixel.
IMAGES = (
    (np.array([0.0, 0.5, 0.95, 0.5]), np.array([-2.0, 0.5, 3.0, 0.0]), 0.1),
    (np.array([0.05, 0.4, 1.0]), np.array([-0.01, -4.0, -0.2]), 0.25),
)


def _clipped(gradients: Array, clip_norm: float) -> Array:
    norms = np.linalg.norm(gradients, axis=1, keepdims=True)
    return np.asarray(gradients * np.minimum(1.0, clip_norm / norms))


def _clipped_afterwards(gradients: Array, clip_norm: float) -> Array:
    return np.asarray(_clipped(gradients.mean(axis=0, keepdims=True), clip_norm)[0])


def _normalized(gradients: Array, clip_norm: float) -> Array:
    norms = np.linalg.norm(gradients, axis=1, keepdims=True)
    return np.asarray((gradients / norms * clip_norm).mean(axis=0))


def _share_above(scores: Array, threshold: float) -> float:
    return float(np.mean(np.asarray(scores) > threshold))


def _threshold(scores: Array, rate: float) -> float:
    """Return the smallest score that at most this share of the scores exceeds."""
    return float(np.quantile(scores, 1 - rate, method="higher"))


def _true_positives(member_scores: Array, other_scores: Array, false_positive_rate: float) -> float:
    return _share_above(member_scores, _threshold(other_scores, false_positive_rate))


def _best_accuracy(members: Array, others: Array, rate: float) -> float:
    candidates = np.concatenate([members, others])
    return max(
        (_share_above(members, each) + 1 - _share_above(others, each)) / 2 for each in candidates
    )


def _area(members: Array, others: Array, rate: float) -> float:
    return float(np.mean(np.asarray(members)[:, None] > np.asarray(others)[None, :]))


def _uphill(image: Array, gradient: Array, radius: float) -> Array:
    return np.clip(image + radius * np.sign(gradient), 0.0, 1.0)


def _budget(epsilons: list[float], deltas: list[float]) -> list[float]:
    return [float(np.sum(epsilons)), float(np.sum(deltas))]


def _of(function: Any, epsilons: list[float], deltas: list[float]) -> list[float]:
    return [float(function(epsilons)), float(function(deltas))]


EXERCISES = (
    Exercise(
        id="privacy.clip",
        expected="a function of gradients (one per row) and clip_norm that returns one gradient",
        reference=lambda gradients, clip_norm: _clipped(gradients, clip_norm).mean(axis=0),
        cases=GRADIENTS,
        hints=(
            "One image must not move the mean by more than clip_norm / n. So what has to happen to "
            "each gradient before you average?",
            "norms = np.linalg.norm(gradients, axis=1, keepdims=True) are the lengths. A gradient "
            "that is longer than clip_norm is shortened to it; a shorter one stays as it is.",
            "(gradients * np.minimum(1, clip_norm / norms)).mean(axis=0)",
        ),
        mistakes=(
            Mistake(
                _clipped_afterwards,
                "You have averaged first and clipped the mean. Then one image with a huge gradient "
                "still decides where the mean points, and noise made for clip_norm / n hides "
                "nothing. Clip each gradient, then average.",
            ),
            Mistake(
                _normalized,
                "Short gradients have become longer. Clipping only shortens: the factor is at "
                "most 1.",
            ),
            Mistake(
                lambda gradients, clip_norm: _clipped(gradients, clip_norm).sum(axis=0),
                "That is the sum. Divide it by the number of gradients.",
            ),
            Mistake(
                lambda gradients, clip_norm: np.clip(gradients, -clip_norm, clip_norm).mean(axis=0),
                "You have clipped each component. It is the length of the whole gradient that must "
                "not exceed clip_norm.",
            ),
            Mistake(
                lambda gradients, clip_norm: gradients.mean(axis=0),
                "Nothing is clipped.",
            ),
        ),
    ),
    Exercise(
        id="privacy.budget",
        expected="a function of epsilons and deltas that returns two numbers, ε and δ of all "
        "trainings together",
        reference=_budget,
        cases=BUDGETS,
        hints=(
            "The same patients are in each training. Does the second one know what the first has "
            "given away?",
            "Whoever sees both models learns from both: the bounds add up, those of ε and those "
            "of δ.",
            "[sum(epsilons), sum(deltas)]",
        ),
        mistakes=(
            Mistake(
                lambda epsilons, deltas: _of(np.max, epsilons, deltas),
                "That is the weakest training alone. The models are public together, so what they "
                "give away adds up.",
            ),
            Mistake(
                lambda epsilons, deltas: [float(np.sum(epsilons)), float(np.max(deltas))],
                "ε is right. The chances of a failure, δ, add up, too.",
            ),
            Mistake(
                lambda epsilons, deltas: _of(np.linalg.norm, epsilons, deltas),
                "Noise adds up like that, by its squares. These are bounds, and bounds simply add.",
            ),
            Mistake(
                lambda epsilons, deltas: _of(np.mean, epsilons, deltas),
                "That is the mean. A budget is used up with each training; it doesn't renew.",
            ),
        ),
    ),
    Exercise(
        id="privacy.true_positives",
        expected="a function of member_scores, other_scores and false_positive_rate that returns a "
        "share between 0 and 1",
        reference=_true_positives,
        cases=SCORES,
        hints=(
            "Whose scores decide where the threshold must be, if few of the others may be accused?",
            "threshold = np.quantile(other_scores, 1 - false_positive_rate, method='higher'). How "
            "many of the members lie above it, as a share?",
            "np.mean(member_scores > threshold)",
        ),
        mistakes=(
            Mistake(
                lambda members, others, rate: _share_above(members, _threshold(members, rate)),
                "You have set the threshold by the members' scores. False alarms are counted among "
                "the others.",
            ),
            Mistake(
                _area,
                "That is the AUC, an average over all thresholds. It can look like a coin's 0.5 "
                "although the attack is certain about a few people.",
            ),
            Mistake(
                _best_accuracy,
                "That is how often the attack is right with its best threshold. An attacker who "
                "must not be wrong often takes a higher one.",
            ),
            Mistake(
                lambda members, others, rate: 1 - _true_positives(members, others, rate),
                "Those are the members below the threshold, which the attack doesn't find.",
            ),
            Mistake(
                lambda members, others, rate: _share_above(members, _threshold(others, 1 - rate)),
                "Your threshold lets nearly all of the others through. At most "
                "false_positive_rate of them may lie above it, so take the quantile at 1 minus it.",
            ),
        ),
    ),
    Exercise(
        id="attacks.step",
        expected="a function of image, gradient and radius that returns the changed image",
        reference=_uphill,
        cases=IMAGES,
        hints=(
            "Each pixel may change by the radius. In which direction does the loss grow?",
            "image + radius * np.sign(gradient) goes uphill as far as it may. Are the results "
            "still pixels?",
            "np.clip(image + radius * np.sign(gradient), 0, 1)",
        ),
        mistakes=(
            Mistake(
                lambda image, slope, largest: np.clip(image - largest * np.sign(slope), 0, 1),
                "That is a step downhill. It makes the model more certain of the right answer.",
            ),
            Mistake(
                lambda image, slope, largest: image + largest * np.sign(slope),
                "Some pixels are below 0 or above 1 now. A camera can't take such a picture, and a "
                "server that checks its input refuses it.",
            ),
            Mistake(
                lambda image, slope, largest: np.clip(image + largest * slope, 0, 1),
                "The sign is missing. Only the largest change is limited, so every pixel goes as "
                "far as it may, however small its slope.",
            ),
            Mistake(
                lambda image, slope, largest: np.clip(
                    image + largest * slope / np.linalg.norm(slope), 0, 1
                ),
                "You have limited the length of the whole change. Here each pixel has its own "
                "limit, so take the sign of its slope.",
            ),
        ),
    ),
)

PREDICTIONS: tuple[GuessQuestion, ...] = (
    GuessQuestion(
        id="privacy.leak",
        question="Somebody has an image and your model's answer to it, and wants to know whether "
        "you trained on that image. A coin is right in 50 % of cases. How often is the best "
        "threshold on the model's confidence right, for the model of this workbook?",
        choices=("in about 50 %", "in about 70 %", "in more than 90 %"),
        answer="in about 50 %",
        reason="The model hardly treats images that it has seen differently from others: its "
        "accuracy on both is nearly the same. A model that learnt few images by heart is another "
        "matter, as you'll see.",
    ),
    GuessQuestion(
        id="privacy.price",
        question="Our network learns from MNIST's 54,000 images, with ε = 1. Without privacy it "
        "gets about 98 % right. How many points does the promise cost?",
        choices=("less than 1 point", "about 5 points", "about 30 points"),
        answer="about 5 points",
        reason="The noise hides any one image, but the mean of a thousand images still shows where "
        "to go. With fewer images the same promise costs far more, because the mean gets shorter "
        "and the noise doesn't.",
    ),
    GuessQuestion(
        id="attacks.forms",
        question="We change an image of the test set so that the float32 model is wrong about it. "
        "Its int8 form has other weights. Does the same changed image fool that one?",
        choices=("hardly ever", "about half of the time", "nearly always"),
        answer="nearly always",
        reason="Quantization moves each weight by half a step at most, so the loss of both forms "
        "has almost the same slope. What goes uphill for one goes uphill for the other.",
    ),
)
