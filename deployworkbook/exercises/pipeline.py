"""The exercises of lesson 08: sizes, factors, budgets."""

from __future__ import annotations

import math

import numpy as np

from deployworkbook.exercises.declaration import Exercise, GuessQuestion, Mistake

LESSON = "08_compression_pipeline"

# Two figures to check a function with; powers of two, so that the logarithms are whole.
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
        lesson=LESSON,
        expected="a function of count, sparsity and bits that returns bytes",
        reference=_limit,
        cases=LIMITS,
        hints=(
            "Each weight says whether it is 0; only those that are not have a value to say.",
            "The first takes H(s) bits for every weight, the second b bits for a share 1 - s.",
            "count * (entropy of the sparsity in bits + (1 - sparsity) * bits) / 8",
        ),
        mistakes=(
            Mistake(
                lambda count, sparsity, bits: 8 * _limit(count, sparsity, bits),
                "Those are bits. Eight of them make a byte.",
            ),
            Mistake(
                lambda count, sparsity, bits: count * (1 - sparsity) * bits / 8,
                "The values alone: whoever reads them must also know where they belong.",
            ),
            Mistake(
                lambda count, sparsity, bits: count * (_entropy(sparsity) + bits) / 8,
                "You pay for the value of every weight, also of those that are 0.",
            ),
            Mistake(
                lambda count, sparsity, bits: (
                    count * (_entropy(sparsity) * math.log(2) + (1 - sparsity) * bits) / 8
                ),
                "The entropy is in nats there; bits need the logarithm to base 2.",
            ),
        ),
    ),
    Exercise(
        id="pipeline.packed",
        lesson=LESSON,
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
            Mistake(101 * 4 / 8, "There is no half byte in a file."),
            Mistake(101, "That is a byte a weight: 8 bits, not 4."),
        ),
    ),
    Exercise(
        id="pipeline.frontier",
        lesson=LESSON,
        expected="a function of sizes and accuracies (arrays) that returns an array of True, False",
        reference=_frontier,
        cases=CHOICES,
        hints=(
            "A model is off the frontier if another is no larger and no worse, and better in one.",
            "Compare each with each: sizes <= size, accuracies >= accuracy.",
            "not any((sizes <= size) & (accuracies >= accuracy) & "
            "((sizes < size) | (accuracies > accuracy))), for each",
        ),
        mistakes=(
            Mistake(
                _smaller_and_better_than_all,
                "You ask it to be the smallest and the best. The frontier holds all that no other "
                "beats in both.",
            ),
            Mistake(
                _the_best_of_each,
                "Its two ends, or what ties with them: also between them there may be models that "
                "nothing beats, and a tie may be beaten in the other figure.",
            ),
            Mistake(
                lambda sizes, accuracies: ~_frontier(sizes, accuracies),
                "The other way round: those are the ones that something beats.",
            ),
        ),
    ),
    Exercise(
        id="pipeline.points",
        lesson=LESSON,
        expected="percentage points",
        reference=0.5,
        relative_tolerance=1e-6,
        hints=(
            "Points are the difference of two percentages.",
            "98.0 - 97.5",
        ),
        mistakes=(
            Mistake(
                100 * 0.5 / 98.0,
                "That is the loss as a share of the old accuracy. Points are the plain difference.",
            ),
            Mistake(
                25.0,
                "That is by how much the errors grew, from 2.0 to 2.5 in a hundred: true, and "
                "another figure.",
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
        lesson=LESSON,
        question="Prune to 97 % zeros and round to 4 bits, with as many epochs for each: which "
        "order keeps more accuracy?",
        choices=("prune first", "round first", "both alike to a twentieth of a point"),
        answer="prune first",
        reason="While it is pruned a weight must move in small steps; on a grid of 15 values it "
        "cannot. And a grid that is fitted last fits the few weights that are left.",
    ),
)
