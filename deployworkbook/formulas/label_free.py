"""Estimates of accuracy without labels, from how sure the model is.

They are right as long as being sure means the same as at release. On images unlike any that the
model has seen, it may be sure and wrong, and no estimate from its own answers can tell.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.distributions import check_distribution, check_unit
from deployworkbook.validation import check_array, check_same_shape

Array = NDArray[np.float64]


def confidence_based_accuracy(confidences: ArrayLike) -> Array:
    """Estimate the accuracy by the mean confidence (CBPE).

        accuracy ≈ mean of c

    It is right if the model is calibrated on these very images.

    Args:
        confidences: c, in 0 … 1, shape ``[..., n]``, one window along the last axis.

    Returns:
        From 0 to 1, shape ``[...]``.

    Raises:
        ValueError: A confidence is out of range.

    Source: J. Kivimäki, J. Białek, J. K. Nurminen and W. Kuberski, "Confidence-based estimators for
    predictive performance in model monitoring", arXiv:2407.08649, 2024. NannyML estimates like it.

    >>> float(confidence_based_accuracy([1.0, 0.9, 0.5]).round(3))
    0.8
    """
    return np.asarray(check_unit("confidences", confidences).mean(axis=-1))


def confidence_based_spread(confidences: ArrayLike) -> Array:
    """Return the standard deviation of a window's accuracy around ``confidence_based_accuracy``.

        √(Σ c (1 - c)) / n

    Even where the estimate is right, a small window's accuracy differs from it that much by
    chance: each answer is right with its probability c.

    Args:
        confidences: c, in 0 … 1, shape ``[..., n]``.

    Returns:
        Shape ``[...]``.

    Raises:
        ValueError: A confidence is out of range.

    Source: S. D. Poisson's binomial distribution, 1837.

    >>> float(confidence_based_spread([0.5] * 100))  # a coin tossed a hundred times
    0.05
    """
    sure = check_unit("confidences", check_array("confidences", confidences, shape=(None,)))
    return np.asarray(np.sqrt((sure * (1.0 - sure)).sum(axis=-1)) / sure.shape[-1])


def difference_of_confidences(
    confidences: ArrayLike, reference_confidences: ArrayLike, reference_accuracy: float
) -> Array:
    """Estimate the accuracy by how far the mean confidence has fallen.

        accuracy ≈ reference's accuracy - (reference's mean confidence - mean confidence)

    A model that is too sure by a constant amount is corrected for it.

    Args:
        confidences: c, in 0 … 1, shape ``[..., n]``, one window along the last axis.
        reference_confidences: Confidences on labelled images, shape ``[m]``.
        reference_accuracy: Accuracy on those images, in 0 … 1.

    Returns:
        Clipped to 0 … 1, shape ``[...]``.

    Raises:
        ValueError: A number is out of range.

    Source: D. Guillory et al., "Predicting with confidence on unseen distributions", ICCV, 2021.

    >>> float(difference_of_confidences([0.8, 0.8], [0.95, 0.95], 0.93).round(3))
    0.78
    """
    known = check_unit("reference_confidences", reference_confidences).mean()
    accuracy = float(check_unit("reference_accuracy", reference_accuracy))
    return np.asarray(np.clip(accuracy + confidence_based_accuracy(confidences) - known, 0, 1))


def negative_entropy(probabilities: ArrayLike) -> Array:
    """Return how sure the model is of its answer, by all classes' probabilities.

        s = Σ_k p_k ln p_k

    Args:
        probabilities: p, shape ``[..., classes]``.

    Returns:
        From -ln(classes), for equally likely classes, to 0; shape ``[...]``.

    Raises:
        ValueError: A row does not sum to 1.

    Source: S. Garg et al., as in ``average_thresholded_confidence``.

    >>> negative_entropy([[1.0, 0.0], [0.5, 0.5]]).round(3)
    array([ 0.   , -0.693])
    """
    p = check_distribution("probabilities", probabilities)
    return np.asarray((p * np.log(np.where(p > 0, p, 1.0))).sum(axis=-1))


def confidence_threshold(scores: ArrayLike, correct: ArrayLike) -> float:
    """Return the threshold that as large a share of labelled images reaches as is answered right.

        t with share of s ≥ t  =  accuracy,   on the reference

    Args:
        scores: s, how sure the model is, shape ``[m]``: ``top_confidence``, or
            ``negative_entropy``, which Garg et al. found better.
        correct: Whether each answer was right, shape ``[m]``.

    Returns:
        A score; infinite if no answer is right.

    Raises:
        ValueError: The shapes differ.

    Source: S. Garg et al., as in ``average_thresholded_confidence``.

    >>> confidence_threshold([0.9, 0.8, 0.7, 0.6], [True, False, True, True])  # 3 of 4 reach it
    0.7
    """
    sure = check_array("scores", scores, ndim=1)
    right = check_unit("correct", check_array("correct", correct, ndim=1))
    check_same_shape("scores", sure, "correct", right)
    reached = round(float(right.sum()))
    return float(np.sort(sure)[::-1][reached - 1]) if reached else np.inf


def average_thresholded_confidence(scores: ArrayLike, threshold: float) -> Array:
    """Estimate the accuracy by the share of images whose score reaches a threshold (ATC).

        accuracy ≈ share of s ≥ t

    Unlike the mean confidence, it needs no calibrated model.

    Args:
        scores: s, shape ``[..., n]``, one window along the last axis; of the same kind as those
            of the threshold.
        threshold: t, as from ``confidence_threshold``.

    Returns:
        From 0 to 1, shape ``[...]``.

    Raises:
        ValueError: A score is not finite.

    Source: S. Garg et al., "Leveraging unlabeled data to predict out-of-distribution performance",
    ICLR, 2022.

    >>> float(average_thresholded_confidence([0.9, 0.7, 0.5, 0.3], 0.7))
    0.5
    """
    return np.asarray((check_array("scores", scores) >= threshold).mean(axis=-1))
