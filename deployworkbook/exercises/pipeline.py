"""The exercises of lesson 08: sizes, factors, budgets."""

from __future__ import annotations

import math

import numpy as np

from deployworkbook.exercises.declaration import Exercise, GuessQuestion, Mistake

# Two test cases for a function.
LIMITS = ((1000, 0.5, 4), (4096, 0.75, 2))


def _entropy(share: float) -> float:
    return -share * math.log2(share) - (1 - share) * math.log2(1 - share)


def _limit(count: int, sparsity: float, bits: int) -> float:
    return count * (_entropy(sparsity) + (1 - sparsity) * bits) / 8


CHOICES = (
    (np.array([400.0, 100.0, 120.0, 90.0]), np.array([0.98, 0.97, 0.96, 0.97])),
    (np.array([5.0, 4.0, 3.0, 2.0]), np.array([0.90, 0.95, 0.93, 0.80])),
)


def _frontier(sizes: np.ndarray, accuracies: np.ndarray) -> np.ndarray:
    return np.array(
        [
            not any(
                s <= size and a >= accuracy and (s < size or a > accuracy)
                for s, a in zip(sizes, accuracies, strict=True)
            )
            for size, accuracy in zip(sizes, accuracies, strict=True)
        ]
    )


def _smaller_and_better_than_all(sizes: np.ndarray, accuracies: np.ndarray) -> np.ndarray:
    chosen: np.ndarray = (sizes == sizes.min()) & (accuracies == accuracies.max())
    return chosen


def _the_best_of_each(sizes: np.ndarray, accuracies: np.ndarray) -> np.ndarray:
    chosen: np.ndarray = (sizes == sizes.min()) | (accuracies == accuracies.max())
    return chosen


EXERCISES = (
    Exercise(
        id="pipeline.limit",
        expected="a function of count, sparsity and bits that returns bytes",
        reference=_limit,
        cases=LIMITS,
        hints=(
            "For each weight we store whether it is 0; only nonzero weights need a value as well.",
            "The first takes H(s) bits per weight, the second b bits for a share 1 - s of them.",
            "count * (entropy of the sparsity in bits + (1 - sparsity) * bits) / 8",
        ),
        mistakes=(
            Mistake(
                lambda count, sparsity, bits: 8 * _limit(count, sparsity, bits),
                "Those are bits. A byte has eight.",
            ),
            Mistake(
                lambda count, sparsity, bits: count * (1 - sparsity) * bits / 8,
                "Those are only the values: to read them, you must also know their positions.",
            ),
            Mistake(
                lambda count, sparsity, bits: count * (_entropy(sparsity) + bits) / 8,
                "That stores a value for every weight, even for those that are 0.",
            ),
            Mistake(
                lambda count, sparsity, bits: (
                    count * (_entropy(sparsity) * math.log(2) + (1 - sparsity) * bits) / 8
                ),
                "Your entropy is in nats; for bits, use the logarithm to base 2.",
            ),
        ),
    ),
    Exercise(
        id="pipeline.packed",
        expected="a whole number of bytes",
        reference=math.ceil(101 * 4 / 8),
        relative_tolerance=1e-9,
        hints=(
            "Two weights of 4 bits share a byte.",
            "The last weight has no partner, and there is no half byte.",
            "math.ceil(101 * 4 / 8)",
        ),
        mistakes=(
            Mistake(101 * 4 // 8, "The last weight is cut off: round up."),
            Mistake(101 * 4 / 8, "A file has no half bytes."),
            Mistake(101, "That is a byte per weight: 8 bits, not 4."),
        ),
    ),
    Exercise(
        id="pipeline.frontier",
        expected="a function of sizes and accuracies (arrays) that returns an array of True, False",
        reference=_frontier,
        cases=CHOICES,
        hints=(
            "A model is off the frontier if another is no larger and no worse, and better in one.",
            "Compare each model with every other: sizes <= size, accuracies >= accuracy.",
            "not any((sizes <= size) & (accuracies >= accuracy) & "
            "((sizes < size) | (accuracies > accuracy))), for each",
        ),
        mistakes=(
            Mistake(
                _smaller_and_better_than_all,
                "You ask for the smallest and most accurate. The frontier contains every model "
                "that no other beats in both.",
            ),
            Mistake(
                _the_best_of_each,
                "Those are its two ends, or models that tie with them. Between them there may be "
                "others that nothing beats, and a tied model may be beaten in the other figure.",
            ),
            Mistake(
                lambda sizes, accuracies: ~_frontier(sizes, accuracies),
                "It is the other way round: those are the models that another one beats.",
            ),
        ),
    ),
    Exercise(
        id="pipeline.points",
        expected="percentage points",
        reference=0.5,
        relative_tolerance=1e-6,
        hints=(
            "Percentage points are the difference between two percentages.",
            "98.0 - 97.5",
        ),
        mistakes=(
            Mistake(
                100 * 0.5 / 98.0,
                "That is relative to the old accuracy. Percentage points are the plain difference.",
            ),
            Mistake(
                25.0,
                "That is the growth of the errors, from 2.0 to 2.5 in a hundred: also true, but a "
                "different figure.",
            ),
            Mistake(
                0.005,
                "That is the loss as a fraction of 1. A percentage point is a hundredth, so "
                "multiply by 100.",
            ),
            Mistake(-0.5, "The size is right. A loss of points is given without the minus sign."),
        ),
    ),
)

PREDICTIONS = (
    GuessQuestion(
        id="pipeline.order",
        question="You prune to 97 % zeros and round to 4 bits, with the same number of epochs for "
        "each. Which order keeps more accuracy?",
        choices=("prune first", "round first", "both the same to a twentieth of a point"),
        answer="prune first",
        reason="During pruning, weights must move in small steps, which they can't do on a grid of "
        "15 values. And a grid that is fitted last fits the few remaining weights.",
    ),
)
