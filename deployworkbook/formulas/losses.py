"""Losses and their gradients: mean squared error and cross-entropy.

As in Keras, the targets come first, then the predictions. A loss reduces the last axis and returns
one number per example; its gradient is with respect to each example's prediction. A batch's loss
is the mean of these numbers, so its gradient is each example's gradient divided by the number of
examples.

Cross-entropy comes in two forms: from probabilities, where it is infinite if the true class has
probability 0, and from logits, where it is always finite.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.activations import log_softmax, softmax
from deployworkbook.formulas.distributions import check_distribution, check_unit
from deployworkbook.validation import check_array, check_same_shape

NOT_LOGITS = "For logits, use the loss whose name ends in _from_logits."


def mean_squared_error(targets: ArrayLike, predictions: ArrayLike) -> NDArray[np.float64]:
    """Return the mean of the squared differences.

        L = 1/K Σ (p_k - y_k)²

    Args:
        targets: Shape ``[..., K]``.
        predictions: The shape of ``targets``.

    Returns:
        Shape ``[...]``.

    Raises:
        ValueError: The shapes differ.

    >>> mean_squared_error([[0.0, 1.0]], [[0.5, 0.5]])
    array([0.25])
    """
    target, prediction = _pair("predictions", targets, predictions)
    return np.asarray(((prediction - target) ** 2).mean(axis=-1))


def mean_squared_error_gradient(targets: ArrayLike, predictions: ArrayLike) -> NDArray[np.float64]:
    """Compute the gradient of ``mean_squared_error`` with respect to the predictions.

        ∂L/∂p_k = 2/K (p_k - y_k)

    The arguments are those of the loss.

    Args:
        targets: y, shape ``[..., K]``.
        predictions: p, the shape of ``targets``.

    Returns:
        The shape of ``predictions``.

    >>> mean_squared_error_gradient([[0.0, 1.0]], [[0.5, 0.5]])
    array([[ 0.5, -0.5]])
    """
    target, prediction = _pair("predictions", targets, predictions)
    return np.asarray(2.0 / target.shape[-1] * (prediction - target))


def binary_cross_entropy(targets: ArrayLike, probabilities: ArrayLike) -> NDArray[np.float64]:
    """Return the surprise at yes-or-no answers, in nats, averaged over the last axis.

        L = -1/K Σ [y_k log p_k + (1 - y_k) log(1 - p_k)],  with 0 log 0 = 0

    A prediction that is certain and wrong costs infinity. (Keras clips p to 1e-7 … 1 - 1e-7, so
    there it costs about 16, and its gradient is 0.)

    Args:
        targets: Shape ``[..., K]``, in 0 … 1.
        probabilities: The shape of ``targets``, in 0 … 1.

    Returns:
        Shape ``[...]``.

    Raises:
        ValueError: The shapes differ, or a number is outside 0 … 1.

    >>> binary_cross_entropy([[1.0], [1.0]], [[0.5], [0.0]]).round(4)
    array([0.6931,    inf])
    """
    target, chance = _pair("probabilities", targets, probabilities)
    check_unit("targets", target)
    check_unit("probabilities", chance, remedy=NOT_LOGITS)
    terms = _times_log(target, chance) + _times_log(1.0 - target, 1.0 - chance)
    return np.asarray(-terms.mean(axis=-1))


def categorical_cross_entropy(targets: ArrayLike, probabilities: ArrayLike) -> NDArray[np.float64]:
    """Return the surprise at the true class, in nats.

        L = -Σ y_k log p_k,  with 0 log 0 = 0

    Args:
        targets: Shape ``[..., classes]``, distributions; ``one_hot`` makes them from labels.
        probabilities: The shape of ``targets``, in 0 … 1. Their sum is not checked: an integer
            model's outputs only sum to about 1.

    Returns:
        Shape ``[...]``; infinite where the true class has probability 0. (Keras divides the
        probabilities by their sum, and clips them to 1e-7 … 1 - 1e-7.)

    Raises:
        ValueError: The shapes differ, a number is outside 0 … 1, or targets do not sum to 1.

    >>> categorical_cross_entropy([[0, 1, 0]], [[0.25, 0.5, 0.25]]).round(4)
    array([0.6931])
    """
    target, chance = _pair("probabilities", targets, probabilities)
    check_distribution("targets", target)
    check_unit("probabilities", chance, remedy=NOT_LOGITS)
    return np.asarray(-_times_log(target, chance).sum(axis=-1))


def categorical_cross_entropy_from_logits(
    targets: ArrayLike, logits: ArrayLike
) -> NDArray[np.float64]:
    """Return the categorical cross-entropy of ``softmax(logits)``, finite at every logit.

        L = -Σ y_k (z_k - log Σ e^z_j)

    Args:
        targets: Shape ``[..., classes]``, distributions.
        logits: The shape of ``targets``.

    Returns:
        Shape ``[...]``.

    Raises:
        ValueError: The shapes differ, or targets are not distributions.

    >>> categorical_cross_entropy_from_logits([[0, 1], [0, 1]], [[0, 0], [1e4, 0]]).round(4)
    array([6.931e-01, 1.000e+04])
    """
    target, logit = _pair("logits", targets, logits)
    check_distribution("targets", target)
    return np.asarray(-(target * log_softmax(logit)).sum(axis=-1))


def categorical_cross_entropy_from_logits_gradient(
    targets: ArrayLike, logits: ArrayLike
) -> NDArray[np.float64]:
    """Compute the gradient of categorical cross-entropy with respect to the logits.

        ∂L/∂z_k = p_k - y_k,  p = softmax(z)

    The arguments are those of ``categorical_cross_entropy_from_logits``.

    Args:
        targets: y, distributions, shape ``[..., classes]``.
        logits: z, the shape of ``targets``.

    Returns:
        The shape of ``logits``, in -1 … 1; each row sums to 0.

    >>> categorical_cross_entropy_from_logits_gradient([[0, 1]], [[0.0, 0.0]])
    array([[ 0.5, -0.5]])
    """
    target, logit = _pair("logits", targets, logits)
    check_distribution("targets", target)
    return softmax(logit) - target


def _pair(
    name: str, targets: ArrayLike, predictions: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    target = check_array("targets", targets, shape=(None,))
    prediction = check_array(name, predictions, shape=(None,))
    check_same_shape("targets", target, name, prediction)
    return target, prediction


def _times_log(weight: NDArray[np.float64], chance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``weight · log chance``, and 0 where the weight is 0."""
    with np.errstate(divide="ignore"):
        logarithm = np.log(chance)
    return np.multiply(weight, logarithm, where=weight > 0, out=np.zeros_like(weight))
