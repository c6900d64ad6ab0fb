"""A classifier's quality: accuracy and the confusion matrix."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_integer, check_labels, check_same_shape


def confusion_matrix(labels: ArrayLike, predictions: ArrayLike, classes: int) -> NDArray[np.int64]:
    """Count how often each class was classified as each class.

        C[i, j] = number of examples of class i that were classified as j

    Args:
        labels: True classes, whole numbers from 0 to ``classes - 1``, shape ``[n]``.

        predictions: Predicted classes, the same shape.
        classes: Number of classes.

    Returns:
        Shape ``[classes, classes]``; correct classifications are on the diagonal.

    Raises:
        TypeError: Labels are not whole numbers.
        ValueError: A label is out of range, or the shapes differ.

    >>> confusion_matrix([0, 1, 1], [0, 1, 0], 2)
    array([[1, 0],
           [1, 1]])
    """
    count = check_integer("classes", classes, 1)
    true = check_labels("labels", labels, count)
    guessed = check_labels("predictions", predictions, count)
    check_same_shape("labels", true, "predictions", guessed)
    return np.bincount(true * count + guessed, minlength=count**2).reshape(count, count)


def accuracy(confusion: ArrayLike) -> float:
    """Return the share of correctly classified examples: those on the confusion matrix's diagonal.

        accuracy = Σ_i C[i, i] / Σ_ij C[i, j]

    Args:
        confusion: Shape ``[classes, classes]``, as ``confusion_matrix`` gives it.

    >>> round(accuracy([[1, 0], [1, 1]]), 4)
    0.6667
    """
    counts = np.asarray(confusion)
    return float(np.trace(counts) / counts.sum())
