"""Backpropagation: the gradient of a loss with respect to every weight of a network.

A layer computes a_l = h_(l-1) W_l + b_l and, if it is hidden, h_l = max(a_l, 0). Its error
δ_l = ∂L/∂a_l says how the loss of one example changes with the layer's sums. Three steps give the
gradients:

1. the error of the output layer, p - y for the cross-entropy of logits:
   ``losses.categorical_cross_entropy_from_logits_gradient``,
2. the error of each layer before it, back through the weights: ``hidden_error``,
3. the gradient of each layer's weights, from what went in and from the error: ``layer_gradients``.

``perceptron.loss_and_gradients`` takes these steps through all layers of a network.
``central_differences`` measures the same slopes without any of this, by trying each weight.

Source: D. Rumelhart, G. Hinton and R. Williams, "Learning representations by back-propagating
errors", Nature 1986.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array, check_number


def hidden_error(
    error: ArrayLike, kernel: ArrayLike, hidden: ArrayLike, *, keep_float32: bool = False
) -> NDArray[np.float64]:
    """Propagate a layer's error back through its weights to the hidden layer before it.

        δ_l = (δ_(l+1) W_(l+1)ᵀ) · 1[h_l > 0]

    A hidden unit gets its share of the error of every unit that it feeds, in proportion to the
    weight between them. A unit that its ReLU has switched off gets none.

    Args:
        error: δ_(l+1), shape ``[n, out]``.
        kernel: W_(l+1), shape ``[units, out]``.
        hidden: h_l, shape ``[n, units]``.
        keep_float32: Whether to compute in float32 where all three arrays are of that type.

    Returns:
        δ_l, shape ``[n, units]``.

    Raises:
        ValueError: The shapes do not match.

    >>> hidden_error([[-0.5, 0.5]], [[1.0, -1.0], [0.5, 1.0]], [[2.0, 0.0]])  # the second is off
    array([[-1.,  0.]])
    """
    checked = partial(check_array, ndim=2, keep_float32=keep_float32)
    values = checked("hidden", hidden)
    weights = checked("kernel", kernel, shape=(values.shape[1], None))
    above = checked("error", error, shape=(weights.shape[1],))
    return np.asarray((above @ weights.T) * (values > 0))


def layer_gradients(
    inputs: ArrayLike, error: ArrayLike, *, keep_float32: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute the gradient of a batch's mean loss with respect to a layer's kernel and bias.

        ∂L/∂W_l = 1/n h_(l-1)ᵀ δ_l,  ∂L/∂b_l = 1/n Σ δ_l

    A weight's gradient in one example is what went into it times the error that came out of it.

    Args:
        inputs: h_(l-1), or x for the first layer, shape ``[n, in]``.
        error: δ_l, shape ``[n, out]``.
        keep_float32: Whether to compute in float32 where both arrays are of that type.

    Returns:
        The gradients of the kernel, shape ``[in, out]``, and of the bias, shape ``[out]``.

    Raises:
        ValueError: The numbers of examples differ.

    >>> layer_gradients([[1.0, 2.0]], [[-1.0, 0.0]])
    (array([[-1.,  0.],
           [-2.,  0.]]), array([-1.,  0.]))
    """
    checked = partial(check_array, ndim=2, keep_float32=keep_float32)
    values = checked("inputs", inputs)
    errors = checked("error", error, shape=(len(values), None))
    return values.T @ errors / len(values), errors.mean(axis=0)


def central_differences(
    loss: Callable[[list[NDArray[np.float64]]], float],
    parameters: Sequence[ArrayLike],
    *,
    step: float = 1e-5,
) -> list[NDArray[np.float64]]:
    """Measure the slope of a loss in each weight, by moving one weight at a time up and down.

        ∂L/∂w ≈ (L(w + h) - L(w - h)) / 2h

    It takes two losses per weight, so it checks a small network's gradients and trains none. The
    formula is off by about h² and rounding by about 1e-16 / h; h = 1e-5 keeps both near 1e-10
    where the loss and its derivatives are of size 1. At a kink, such as a ReLU whose sum is 0,
    there is no single slope, and the result is the mean of the two.

    Args:
        loss: Function from all arrays to the loss.
        parameters: Arrays of any shape.
        step: h, above 0.

    Returns:
        One array of slopes per parameter, in their order and shapes.

    Raises:
        ValueError: The step is not above 0.

    >>> float(central_differences(lambda arrays: float(arrays[0] ** 2), [3.0])[0].round(6))
    6.0
    """
    h = check_number("step", step, 0, open_low=True)
    moved = [check_array("parameters", values).copy() for values in parameters]
    slopes = [np.empty_like(values) for values in moved]
    for values, slope in zip(moved, slopes, strict=True):
        for index in np.ndindex(values.shape):
            middle = values[index]
            values[index] = middle + h
            above = loss(moved)
            values[index] = middle - h
            slope[index] = (above - loss(moved)) / (2.0 * h)
            values[index] = middle
    return slopes
