"""The exercises of lesson 08: the fewest bytes, an entropy coder, shared values, the frontier."""

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


# Messages and how often each symbol occurs; their numbers stay below 2^53.
MESSAGES = (
    ([0, 1, 0, 0], [3, 1]),
    ([2, 0, 1, 1, 0, 2, 1], [2, 5, 3]),
    ([1, 3, 3, 0, 2], [1, 2, 1, 4]),
)


def _number(message: list[int], frequencies: list[int]) -> int:
    number, total = 0, sum(frequencies)
    for symbol in reversed(message):
        f, c = frequencies[symbol], sum(frequencies[:symbol])
        number = number // f * total + c + number % f
    return number


def _number_with(
    message: list[int], frequencies: list[int], *, before: bool = True, rest: bool = True
) -> int:
    """Encode without the sum of the shares before a symbol's, or without the remainder."""
    number, total = 0, sum(frequencies)
    for symbol in reversed(message):
        f, c = frequencies[symbol], sum(frequencies[:symbol])
        number = number // f * total + before * c + rest * (number % f)
    return number


# Weights with zeros among them, first centres, rounds. In the first case the nearest centres
# change in each round and after the last; in the second, nothing is nearest to the centre 4.
WEIGHTS = (
    (np.array([[0.0, 1.0, 2.0, 0.0], [3.0, 4.0, 10.0, 11.0]]), np.array([1.0, 2.0]), 2),
    (np.array([0.0, -3.0, -2.0, 0.0, 7.0, 8.0, 0.0, 1.0]), np.array([-2.0, 4.0, 6.0]), 3),
)


def _shared(weights: np.ndarray, centres: np.ndarray, rounds: int) -> np.ndarray:
    return _k_means(weights, centres, rounds)


def _k_means(
    weights: np.ndarray,
    centres: np.ndarray,
    rounds: int,
    *,
    keep_zeros: bool = True,
    learn_from_zeros: bool = False,
    keep_empty: bool = True,
    assign_last: bool = True,
) -> np.ndarray:
    """Share values as the exercise asks, or with one of its usual mistakes."""
    centres = np.array(centres, float)
    flat = np.asarray(weights, float).ravel()
    shown = flat if learn_from_zeros else flat[flat != 0]
    nearest = np.zeros(flat.size, int)
    for _ in range(rounds):
        nearest = np.abs(flat[:, None] - centres).argmin(axis=1)
        codes = np.abs(shown[:, None] - centres).argmin(axis=1)
        counts = np.bincount(codes, minlength=centres.size)
        sums = np.bincount(codes, shown, minlength=centres.size)
        with np.errstate(invalid="ignore"):
            means = sums / counts if not keep_empty else sums / np.maximum(counts, 1)
        centres = np.where(counts > 0, means, centres) if keep_empty else means
    if assign_last:
        nearest = np.abs(flat[:, None] - centres).argmin(axis=1)
    result = centres[nearest]
    if keep_zeros:
        result = np.where(flat == 0, 0.0, result)
    shaped: np.ndarray = result.reshape(np.shape(weights))
    return shaped


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
        id="pipeline.encode",
        expected="a function of message and frequencies (lists) that returns a whole number",
        reference=_number,
        cases=MESSAGES,
        hints=(
            "Begin with 0, and apply the rule to each symbol, from the last to the first.",
            "For a symbol: f is its frequency, c the sum of the frequencies before it, M the sum "
            "of all.",
            "for symbol in reversed(message): number = number // f * M + c + number % f",
        ),
        mistakes=(
            Mistake(
                lambda message, frequencies: _number(message[::-1], frequencies),
                "You write the message from its start, so the decoder would read it backwards. "
                "Begin with the last symbol.",
            ),
            Mistake(
                lambda message, frequencies: _number_with(message, frequencies, before=False),
                "c is missing: without it all symbols get the same share of 0 … M - 1, and the "
                "decoder can't tell them apart.",
            ),
            Mistake(
                lambda message, frequencies: _number_with(message, frequencies, rest=False),
                "x mod f is missing. The division throws that remainder away, and the decoder "
                "needs it.",
            ),
        ),
    ),
    Exercise(
        id="pipeline.shared_values",
        expected="a function of weights, centres (arrays) and rounds that returns an array of the "
        "weights' shape",
        reference=_shared,
        cases=WEIGHTS,
        hints=(
            "Pick out the weights that aren't 0. In each round, find the nearest centre of each of "
            "them, then move each centre to the mean of its weights.",
            "nearest = np.abs(alive[:, None] - centres).argmin(axis=1) is one half of a round. For "
            "the other half, loop over the centres, and leave one alone if no weight is nearest.",
            "After the rounds, find the nearest centres once more: result = np.zeros(weights.shape)"
            "; result[weights != 0] = centres[nearest]",
        ),
        mistakes=(
            Mistake(
                lambda weights, centres, rounds: _k_means(
                    weights, centres, rounds, keep_zeros=False, learn_from_zeros=True
                ),
                "The pruned weights must stay 0: neither replace them nor let them pull a centre.",
            ),
            Mistake(
                lambda weights, centres, rounds: _k_means(
                    weights, centres, rounds, learn_from_zeros=True
                ),
                "The zeros stay 0, but they pull the nearest centre towards them. Leave them out "
                "of the means.",
            ),
            Mistake(
                lambda weights, centres, rounds: _k_means(weights, centres, 0),
                "The centres haven't moved. Move each one to the mean of its weights.",
            ),
            Mistake(
                lambda weights, centres, rounds: _k_means(weights, centres, 1),
                "That is one round. The nearest centres change when the centres move, so repeat.",
            ),
            Mistake(
                lambda weights, centres, rounds: _k_means(
                    weights, centres, rounds, assign_last=False
                ),
                "You use the assignment from before the last move. Find the nearest centres again.",
            ),
            Mistake(
                lambda weights, centres, rounds: _k_means(
                    weights, centres, rounds, keep_empty=False
                ),
                "A centre that no weight is nearest to has no mean (0 divided by 0). Leave it "
                "where it is.",
            ),
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
)

PREDICTIONS = (
    GuessQuestion(
        id="pipeline.ablation",
        question="The recipe prunes to 97 % zeros and rounds to 4 bits. Leave out one ingredient: "
        "which one changes the test accuracy most?",
        choices=("the teacher", "the moved digits", "half of the epochs", "pruning", "rounding"),
        answer="pruning",
        reason="Without pruning the model is more accurate by over a point, and its file is about "
        "ten times as large. Leaving out any other ingredient changes the accuracy by less.",
    ),
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
