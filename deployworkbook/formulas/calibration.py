"""Calibration: is a model that says "90 % sure" right nine times out of ten?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.activations import softmax
from deployworkbook.formulas.distributions import check_distribution, check_unit
from deployworkbook.validation import (
    check_array,
    check_integer,
    check_labels,
    check_same_shape,
    value_error,
)

Array = NDArray[np.float64]

# Temperatures outside of these mean that none fits.
COLDEST, HOTTEST = 1e-3, 1e3


@dataclass(frozen=True, eq=False)
class Reliability:
    """How often answers were right, by how sure the model was.

    Args:
        edges: Edges of the bins of confidence, shape ``[bins + 1]``.
        counts: Answers per bin, shape ``[bins]``.
        confidence: Mean confidence per bin, NaN where there are no answers.
        accuracy: Share of right answers per bin, NaN likewise.
    """

    edges: Array
    counts: NDArray[np.int64]
    confidence: Array
    accuracy: Array

    @property
    def gaps(self) -> Array:
        """Accuracy minus confidence per bin: negative where the model is too sure."""
        return self.accuracy - self.confidence


def top_confidence(probabilities: ArrayLike) -> Array:
    """Return how sure the model is of its answer: the highest class probability.

        c = max_k p_k

    Args:
        probabilities: p, shape ``[..., classes]``.

    Returns:
        Shape ``[...]``.

    Raises:
        ValueError: A row does not sum to 1.

    >>> top_confidence([[0.1, 0.9], [0.6, 0.4]])
    array([0.9, 0.6])
    """
    return np.asarray(check_distribution("probabilities", probabilities).max(axis=-1))


def reliability(confidences: ArrayLike, correct: ArrayLike, *, bins: int = 10) -> Reliability:
    """Compare confidence and accuracy in bins of equal width.

        bin b holds the answers with (b - 1)/B < c ≤ b/B

    Args:
        confidences: c, in 0 … 1, shape ``[n]``, as from ``top_confidence``.
        correct: Whether each answer was right, shape ``[n]``.
        bins: B, at least 1.

    Returns:
        Counts, mean confidence and accuracy per bin.

    Raises:
        TypeError: ``bins`` is not a whole number.
        ValueError: The shapes differ, or a confidence is out of range.

    Source: M. H. DeGroot and S. E. Fienberg, "The comparison and evaluation of forecasters", 1983.

    >>> diagram = reliability([0.9, 0.8, 0.6, 0.6], [True, True, True, False], bins=2)
    >>> diagram.counts, diagram.confidence[1].round(3), diagram.accuracy[1]
    (array([0, 4]), np.float64(0.725), np.float64(0.75))
    """
    sure, right = _answers(confidences, correct)
    count = check_integer("bins", bins, 1)
    edges = np.linspace(0.0, 1.0, count + 1)
    place = np.searchsorted(edges[1:-1], sure, side="left")
    counts = np.bincount(place, minlength=count)

    def mean(values: Array) -> Array:
        total = np.bincount(place, weights=values, minlength=count)
        share: Array = np.divide(total, counts, out=np.full(count, np.nan), where=counts > 0)
        return share

    return Reliability(edges, counts, mean(sure), mean(right))


def expected_calibration_error(
    confidences: ArrayLike, correct: ArrayLike, *, bins: int = 15
) -> float:
    """Return how far confidence and accuracy differ, on average over answers.

        ECE = Σ_b n_b / n · |accuracy_b - confidence_b|

    Args:
        confidences: c, in 0 … 1, shape ``[n]``, as from ``top_confidence``.
        correct: Whether each answer was right, shape ``[n]``.
        bins: B, at least 1. More bins raise it, because chance differs per bin.

    Returns:
        From 0 (calibrated, to the bins' precision) to 1.

    Raises:
        TypeError: ``bins`` is not a whole number.
        ValueError: The shapes differ, or a confidence is out of range.

    Source: M. P. Naeini, G. F. Cooper and M. Hauskrecht, "Obtaining well calibrated probabilities
    using Bayesian binning", AAAI, 2015; 15 bins as in Guo et al., see ``fit_temperature``.

    >>> round(expected_calibration_error([0.9, 0.9, 0.9, 0.9], [1, 1, 1, 0]), 3)  # .9 against .75
    0.15
    """
    diagram = reliability(confidences, correct, bins=bins)
    held = diagram.counts > 0
    return float(diagram.counts[held] @ np.abs(diagram.gaps[held]) / diagram.counts.sum())


def fit_temperature(logits: ArrayLike, labels: ArrayLike) -> float:
    """Return the temperature at which a model's probabilities fit the labels best.

        minimise over T:  mean of -ln softmax(z / T)_label

    The loss is convex in 1/T, so that halving finds where its slope is 0: where, on average, the
    logit of the label equals the mean logit under the probabilities. A temperature changes no
    answer, only how sure it is.

    Args:
        logits: z, or the logarithms of probabilities, shape ``[n, classes]``; of images that the
            model wasn't trained with.
        labels: True classes, whole numbers, shape ``[n]``.

    Returns:
        T: above 1 if the model was too sure, below 1 if not sure enough.

    Raises:
        TypeError: Labels are not whole numbers.
        ValueError: The shapes differ, or no temperature fits best: all answers are right, so that
            ever lower ones are better, or answers are no better than chance.

    Source: C. Guo et al., "On calibration of modern neural networks", ICML, 2017.

    >>> logits = np.log([[0.9, 0.1]] * 4)  # says 90 %, but is right in three of four
    >>> round(fit_temperature(logits, [0, 0, 0, 1]), 3)  # ln 9 / ln 3
    2.0
    """
    z = check_array("logits", logits, ndim=2)
    true = check_labels("labels", labels, z.shape[1])
    if len(true) != len(z):
        raise value_error("labels", received=f"{len(true)} labels", expected=f"{len(z)} of them")
    own = z[np.arange(len(z)), true]

    def is_too_sure(temperature: float) -> bool:
        return bool(((softmax(z / temperature) * z).sum(axis=1) - own).mean() > 0)

    low, high = COLDEST, HOTTEST
    if is_too_sure(high) or not is_too_sure(low):
        raise value_error(
            "logits",
            received="answers that are all right, or no better than chance",
            expected="some right and some wrong answers",
            remedy="Use more held-out images.",
        )
    # Each halving of the exponent gains a bit, and float64 has 53.
    for _ in range(60):
        middle = float(np.sqrt(low * high))
        if is_too_sure(middle):
            low = middle
        else:
            high = middle
    return high


def _answers(confidences: ArrayLike, correct: ArrayLike) -> tuple[Array, Array]:
    sure = check_unit("confidences", check_array("confidences", confidences, ndim=1))
    right = check_unit("correct", check_array("correct", correct, ndim=1))
    check_same_shape("confidences", sure, "correct", right)
    return sure, right
