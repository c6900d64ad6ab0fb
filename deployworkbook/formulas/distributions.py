"""Probability distributions over classes: making them from labels, and checking them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array, check_integer, check_labels, value_error

# How far a distribution's sum may be from 1: float16 probabilities get no closer.
SUM_TOLERANCE = 1e-3


def one_hot(labels: ArrayLike, classes: int) -> NDArray[np.float64]:
    """Return class labels as distributions with probability 1 for one class.

        y_k = 1 where k is the label, else 0

    Args:
        labels: Whole numbers from 0 to ``classes - 1``, shape ``[n]``.
        classes: Number of classes.

    Returns:
        Shape ``[n, classes]``.

    Raises:
        TypeError: The labels are not whole numbers.
        ValueError: A label is out of range.

    >>> one_hot([1, 0], 3)
    array([[0., 1., 0.],
           [1., 0., 0.]])
    """
    count = check_integer("classes", classes, 1)
    return np.eye(count)[check_labels("labels", labels, count)]


def check_unit(name: str, value: ArrayLike, *, remedy: str = "") -> NDArray[np.float64]:
    """Return ``value`` as a float64 array if all of it is in 0 … 1.

    Args:
        name: The caller's name for the value, for the error message.
        value: Any shape.
        remedy: Advice to add to the error message.

    Raises:
        ValueError: A number is outside 0 … 1.

    >>> check_unit("probabilities", [0.25, 1.5])
    Traceback (most recent call last):
    ...
    ValueError: probabilities: expected numbers from 0 to 1. Received: values from 0.25 to 1.5.
    """
    values = check_array(name, value)
    if values.min() < 0 or values.max() > 1:
        received = f"values from {values.min():g} to {values.max():g}"
        raise value_error(name, received=received, expected="numbers from 0 to 1", remedy=remedy)
    return values


def check_distribution(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """Return ``value`` as a float64 array if its last axis holds distributions.

    Args:
        name: The caller's name for the value, for the error message.
        value: Shape ``[..., classes]``.

    Raises:
        ValueError: A number is outside 0 … 1, or a row does not sum to 1 within 0.001.

    >>> check_distribution("targets", [[0.5, 0.25]])
    Traceback (most recent call last):
    ...
    ValueError: targets: expected rows that sum to 1. Received: a row that sums to 0.75. \
Use one_hot to turn labels into distributions.
    """
    values = check_unit(name, check_array(name, value, shape=(None,)))
    sums = values.sum(axis=-1)
    worst = float(sums.flat[np.abs(sums - 1.0).argmax()])
    if abs(worst - 1.0) > SUM_TOLERANCE:
        received = f"a row that sums to {worst:g}"
        remedy = "Use one_hot to turn labels into distributions."
        raise value_error(name, received=received, expected="rows that sum to 1", remedy=remedy)
    return values
