"""A multilayer perceptron: forward, and backward by the steps of ``backpropagation``.

Parameters have the order of Keras's ``get_weights``: kernel ``[in, out]`` and bias ``[out]`` per
dense layer. Hidden layers apply ReLU; the last layer returns logits.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.backpropagation import hidden_error, layer_gradients
from deployworkbook.formulas.losses import (
    categorical_cross_entropy_from_logits,
    categorical_cross_entropy_from_logits_gradient,
)
from deployworkbook.validation import check_array, value_error


def forward(
    parameters: Sequence[ArrayLike], inputs: ArrayLike, *, keep_float32: bool = False
) -> list[NDArray[np.float64]]:
    """Compute each layer's inputs, and the logits.

        h_0 = x,  h_l = max(h_(l-1) W_l + b_l, 0),  z = h_(L-1) W_L + b_L

    Args:
        parameters: W_1, b_1, … W_L, b_L.
        inputs: x, shape ``[n, in]``.
        keep_float32: Whether to compute in float32 where all arrays are of that type, which takes
            half of the time.

    Returns:
        h_0 … h_(L-1) and z, each of shape ``[n, width]``.

    Raises:
        ValueError: The parameters are not pairs, or shapes do not match.

    >>> forward([[[1.0, -1.0]], [0.0, 0.0], [[1.0], [1.0]], [0.5]], [[2.0], [-3.0]])[-1]
    array([[2.5],
           [3.5]])
    """
    layers = _layers(parameters, keep_float32)
    width = layers[0][0].shape[0]
    values = check_array("inputs", inputs, ndim=2, shape=(width,), keep_float32=keep_float32)
    seen = [values]
    for kernel, bias in layers[:-1]:
        values = np.maximum(values @ kernel + bias, 0.0)
        seen.append(values)
    kernel, bias = layers[-1]
    return [*seen, values @ kernel + bias]


def backward(
    parameters: Sequence[ArrayLike],
    seen: Sequence[NDArray[np.float64]],
    error: ArrayLike,
    *,
    keep_float32: bool = False,
) -> list[NDArray[np.float64]]:
    """Propagate the logits' gradient back to each layer's pre-activations, per example.

        δ_L = ∂L/∂z,  δ_l = (δ_(l+1) W_(l+1)ᵀ) · 1[h_l > 0]

    Args:
        parameters: As in ``forward``.
        seen: Its result.
        error: δ_L, shape ``[n, classes]``.
        keep_float32: As in ``forward``.

    Returns:
        δ_1 … δ_L, each of shape ``[n, width]``.

    Raises:
        ValueError: The shapes do not match.

    >>> network = [[[1.0, -1.0]], [0.0, 0.0], [[1.0], [2.0]], [0.5]]
    >>> backward(network, forward(network, [[2.0]]), [[1.0]])[0]  # the second unit is off
    array([[1., 0.]])
    """
    layers = _layers(parameters, keep_float32)
    shape = seen[-1].shape
    errors = [check_array("error", error, ndim=2, shape=shape, keep_float32=keep_float32)]
    for (kernel, _), hidden in zip(reversed(layers[1:]), reversed(seen[1:-1]), strict=True):
        errors.append(hidden_error(errors[-1], kernel, hidden, keep_float32=keep_float32))
    return errors[::-1]


def loss_and_gradients(
    parameters: Sequence[ArrayLike], inputs: ArrayLike, targets: ArrayLike
) -> tuple[float, list[NDArray[np.float64]]]:
    """Compute a batch's mean cross-entropy, and its gradient with respect to each parameter.

        ∂L/∂W_l = 1/n h_(l-1)ᵀ δ_l,  ∂L/∂b_l = 1/n Σ δ_l

    Args:
        parameters: As in ``forward``.
        inputs: Shape ``[n, in]``.
        targets: Distributions, shape ``[n, classes]``.

    Returns:
        The loss, and the gradients in the order and shapes of the parameters.

    Raises:
        ValueError: The shapes do not match, or targets are not distributions.

    >>> loss, gradients = loss_and_gradients([np.zeros((1, 2)), np.zeros(2)], [[3.0]], [[1, 0]])
    >>> round(loss, 4), gradients[0]  # log 2; 3 · (½ - 1) and 3 · ½
    (0.6931, array([[-1.5,  1.5]]))
    """
    seen = forward(parameters, inputs)
    loss = float(categorical_cross_entropy_from_logits(targets, seen[-1]).mean())
    error = categorical_cross_entropy_from_logits_gradient(targets, seen[-1])
    gradients: list[NDArray[np.float64]] = []
    for values, errors in zip(seen[:-1], backward(parameters, seen, error), strict=True):
        gradients += layer_gradients(values, errors)
    return loss, gradients


def _layers(
    parameters: Sequence[ArrayLike], keep_float32: bool = False
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    if len(parameters) < 2 or len(parameters) % 2:
        raise value_error(
            "parameters",
            received=f"{len(parameters)} arrays",
            expected="a kernel and a bias per layer",
        )
    layers: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
    checked = partial(check_array, keep_float32=keep_float32)
    width: int | None = None
    for kernel, bias in zip(parameters[::2], parameters[1::2], strict=True):
        weights = checked("kernel", kernel, ndim=2, shape=(width, None))
        width = weights.shape[1]
        layers.append((weights, checked("bias", bias, ndim=1, shape=(width,))))
    return layers
