"""The exercises of lesson 06 on masks: which weights to prune, how fast, and keeping them at 0."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deployworkbook.exercises.declaration import Exercise, GuessQuestion, Mistake

LAYERS = (
    ([np.array([[0.0, 1.5], [0.0, -2.0], [0.0, 0.0]]), np.array([3.0, 0.0])],),
    ([np.array([1.0, 0.0, 2.0, 4.0]), np.array([[0.0], [0.5]]), np.array([0.0, 0.0, 7.0])],),
)
SCORES = (
    (np.array([[9.0, 8.0, 7.0, 1.0], [2.0, 0.5, 3.0, 0.1]]), 0.5),
    (np.array([[0.1, 0.2, 0.3, 0.4], [5.0, 0.25, 4.0, 3.0]]), 0.75),
)
WALKS = (
    (
        np.array([1.0, -0.5, 2.0]),
        np.array([[0.5, 1.0, -1.0], [0.25, -2.0, 1.5]]),
        np.array([True, False, True]),
        0.1,
    ),
    (
        np.array([0.3, 0.1]),
        np.array([[1.0, -1.0], [2.0, 0.5], [-1.0, 3.0]]),
        np.array([False, True]),
        0.5,
    ),
)
KERNELS = (
    (
        np.array(
            [[9.0, 1.0, 3.0, 4.0], [8.0, 2.0, 1.0, 5.0], [7.0, 3.0, 9.0, 6.0], [6.0, 4.0, 2.0, 3.0]]
        ),
    ),
    (np.array([[0.1], [0.4], [0.3], [0.2], [5.0], [6.0], [8.0], [7.0]]) * np.ones(4),),
)


def _best(scores: NDArray[np.float64], count: int) -> NDArray[np.bool_]:
    """Return True where a score is among the highest of its row; the cases have no equal scores."""
    ranks = scores.argsort(axis=-1).argsort(axis=-1)
    best: NDArray[np.bool_] = ranks >= scores.shape[-1] - count
    return best


def _walk(
    weights: NDArray[np.float64],
    gradients: NDArray[np.float64],
    mask: NDArray[np.bool_],
    rate: float,
) -> NDArray[np.float64]:
    for gradient in gradients:
        weights = (weights - rate * gradient) * mask
    return weights


def _all_layers(scores: NDArray[np.float64], sparsity: float) -> NDArray[np.bool_]:
    return _best(scores.ravel(), scores.size - round(sparsity * scores.size)).reshape(scores.shape)


def _each_layer(scores: NDArray[np.float64], sparsity: float) -> NDArray[np.bool_]:
    return _best(scores, scores.shape[1] - round(sparsity * scores.shape[1]))


def _two_of_four(scores: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Keep the two highest of every four along the last axis."""
    return _best(scores.reshape(*scores.shape[:-1], -1, 4), 2).reshape(scores.shape)


EXERCISES = (
    Exercise(
        id="pruning.sparsity",
        expected="a function of a list of arrays that returns a fraction, from 0 to 1",
        reference=lambda layers: (
            sum((layer == 0).sum() for layer in layers) / sum(layer.size for layer in layers)
        ),
        cases=LAYERS,
        hints=(
            "Count the zeros in all layers, and the weights in all layers; then divide.",
            "(layer == 0).sum() counts the zeros of an array, layer.size all its values.",
            "sum((layer == 0).sum() for layer in layers) / sum(layer.size for layer in layers)",
        ),
        mistakes=(
            Mistake(
                lambda layers: (
                    sum((layer != 0).sum() for layer in layers)
                    / sum(layer.size for layer in layers)
                ),
                "That is the fraction kept. Sparsity is the fraction that is 0.",
            ),
            Mistake(
                lambda layers: np.mean([(layer == 0).mean() for layer in layers]),
                "That is the mean of the layers' sparsities: a small layer counts as much as a "
                "large one. Count weights, not layers.",
            ),
            Mistake(
                lambda layers: sum((layer == 0).sum() for layer in layers),
                "That is the number of zeros. Divide by the number of weights.",
            ),
        ),
    ),
    Exercise(
        id="pruning.global_mask",
        expected="a function that returns booleans of the shape of the scores",
        reference=_all_layers,
        cases=SCORES,
        hints=(
            "All weights compete with each other: forget for a moment which layer they are in.",
            "You prune scores.size * sparsity weights: those below which score?",
            "scores >= np.sort(scores, axis=None)[round(sparsity * scores.size)]",
        ),
        mistakes=(
            Mistake(
                _each_layer,
                "That prunes the same fraction of each layer. Global means that all weights "
                "compete, so that one layer may lose more than another.",
            ),
            Mistake(
                lambda scores, sparsity: ~_all_layers(scores, sparsity),
                "Your mask is True for pruned weights. It should be True for weights that are "
                "kept.",
            ),
            Mistake(
                lambda scores, sparsity: _all_layers(-scores, sparsity),
                "You prune the most important weights, and keep the least important.",
            ),
        ),
    ),
    Exercise(
        id="pruning.schedule",
        expected="a sparsity, from 0 to 1",
        reference=0.9 * (1 - 0.5**3),
        relative_tolerance=0.002,
        hints=(
            "Halfway, (t - t₀) / (t₁ - t₀) is a half. Put that into the equation.",
            "0.9 + (0 - 0.9) · (1 - ½)³",
        ),
        mistakes=(
            Mistake(0.45, "That is a straight line: half of the steps, half of the sparsity."),
            Mistake(
                0.9 * 0.5**3,
                "That is the sparsity still to come. The schedule is fast at first, so most of it "
                "is reached halfway.",
            ),
            Mistake(0.9 * (1 - 0.5**2), "The power is 3, not 2."),
        ),
    ),
    Exercise(
        id="pruning.masked_steps",
        expected="a function that returns the weights after the last step",
        reference=_walk,
        cases=WALKS,
        hints=(
            "A step moves all weights, even those that the mask has set to 0. What has to happen "
            "after each step?",
            "for gradient in gradients: take a step, then multiply by the mask.",
            "weights = (weights - rate * gradient) * mask, once per gradient",
        ),
        mistakes=(
            Mistake(
                lambda weights, gradients, mask, rate: (
                    weights * mask - rate * gradients.sum(axis=0)
                ),
                "You have applied the mask only once. Each step moves the zeros away again, so "
                "apply it after each step.",
            ),
            Mistake(
                lambda weights, gradients, mask, rate: _walk(weights, gradients, ~mask, rate),
                "Your mask is the wrong way round: it is True for weights that are kept.",
            ),
            Mistake(
                lambda weights, gradients, mask, rate: _walk(weights, -gradients, mask, rate),
                "The steps go uphill: subtract the gradient.",
            ),
            Mistake(
                lambda weights, gradients, mask, rate: weights - rate * gradients.sum(axis=0),
                "Nothing is pruned: the mask is not applied at all.",
            ),
            Mistake(
                lambda weights, gradients, mask, rate: weights * mask,
                "That prunes, but the remaining weights haven't learnt: the steps are missing.",
            ),
        ),
    ),
    Exercise(
        id="pruning.two_of_four",
        expected="a function that returns booleans of the shape of the scores",
        reference=lambda scores: _two_of_four(scores.T).T,
        cases=KERNELS,
        hints=(
            "Neighbours are the weights of one output from four consecutive inputs: they are "
            "below each other in a column.",
            "scores.reshape(-1, 4, outputs) has the four neighbours along axis 1. Which two of "
            "them are the highest?",
            "groups = scores.reshape(-1, 4, scores.shape[1]); "
            "(groups.argsort(axis=1).argsort(axis=1) >= 2).reshape(scores.shape)",
        ),
        mistakes=(
            Mistake(
                _two_of_four,
                "Your neighbours are four outputs. The hardware sums over the inputs and skips "
                "zeros there: group along axis 0.",
            ),
            Mistake(
                lambda scores: ~_two_of_four(scores.T).T,
                "You have kept the two lowest of every four.",
            ),
            Mistake(
                lambda scores: _best(scores.T, len(scores) // 2).T,
                "That keeps the best half of each output's weights, wherever they are. Keep two of "
                "every four neighbours.",
            ),
            Mistake(
                lambda scores: _all_layers(scores, 0.5),
                "That keeps the best half of all weights. Keep two of every four neighbours.",
            ),
        ),
    ),
)

PREDICTIONS = (
    GuessQuestion(
        id="pruning.what_falls",
        question="Most weights of the model are 0 now. You write it to a file and run it. What "
        "gets smaller or faster?",
        choices=(
            "the zipped file alone",
            "the file and the zipped file",
            "the file, the zipped file and the time per prediction",
        ),
        answer="the zipped file alone",
        reason="A zero takes as many bytes as any other float32, and multiplying by it takes as "
        "long. But a run of zeros zips well.",
    ),
)
