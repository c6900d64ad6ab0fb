"""Adversarial examples: images changed so little that nobody notices, and classified wrongly.

Backpropagation gives the slope of the loss in every pixel as easily as in every weight. An attacker
moves each pixel by at most a radius, in the direction in which the loss rises.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.distributions import one_hot
from deployworkbook.formulas.losses import categorical_cross_entropy_from_logits_gradient
from deployworkbook.formulas.perceptron import backward, forward
from deployworkbook.validation import check_array, check_integer, check_number

Array = NDArray[np.float64]


def input_gradients(parameters: Sequence[ArrayLike], inputs: ArrayLike, labels: ArrayLike) -> Array:
    """Compute each example's gradient of the cross-entropy with respect to its own inputs.

        ∂L_i/∂x_i = δ_1,i W_1ᵀ

    Args:
        parameters: As in ``perceptron.forward``.
        inputs: x, shape ``[n, in]``.
        labels: Shape ``[n]``.

    Returns:
        The shape of ``inputs``.

    Raises:
        TypeError: The labels are not whole numbers.
        ValueError: The shapes do not match, or a label is out of range.

    >>> input_gradients([[[2.0, 0.0]], [0.0, 0.0]], [[0.0]], [0])  # (½ - 1) · 2
    array([[-1.]])
    """
    seen = forward(parameters, inputs, keep_float32=True)
    targets = one_hot(labels, seen[-1].shape[1])
    error = categorical_cross_entropy_from_logits_gradient(targets, seen[-1])
    first = backward(parameters, seen, error.astype(seen[-1].dtype), keep_float32=True)[0]
    kernel = check_array("kernel", parameters[0], ndim=2, keep_float32=True)
    return np.asarray(first @ kernel.T)


def fgsm(
    parameters: Sequence[ArrayLike], inputs: ArrayLike, labels: ArrayLike, *, radius: float
) -> Array:
    """Move every pixel by the radius, in the direction in which the loss rises: one step.

        x' = clip(x + r sign(∂L/∂x), 0, 1)

    Args:
        parameters: As in ``perceptron.forward``.
        inputs: x, in 0 … 1, shape ``[n, in]``.
        labels: The true classes, shape ``[n]``.
        radius: r, at least 0.

    Returns:
        The shape of ``inputs``; pixels without a slope stay.

    Raises:
        TypeError: The labels are not whole numbers.
        ValueError: The shapes do not match, or a label or the radius is out of range.

    Source: I. Goodfellow, J. Shlens and C. Szegedy, "Explaining and harnessing adversarial
    examples", ICLR 2015.

    >>> fgsm([[[2.0, 0.0]], [0.0, 0.0]], [[0.5], [0.05]], [0, 0], radius=0.1)
    array([[0.4],
           [0. ]])
    """
    reach = check_number("radius", radius, 0)
    start = check_array("inputs", inputs, ndim=2, keep_float32=True)
    return _moved(parameters, start, start, labels, step=reach, radius=reach)


def pgd(
    parameters: Sequence[ArrayLike],
    inputs: ArrayLike,
    labels: ArrayLike,
    *,
    radius: float,
    steps: int = 20,
    step_size: float | None = None,
    seed: int | np.random.Generator | None = None,
) -> Array:
    """Take many small steps of ``fgsm``, and return into the ball of the radius after each.

        x_(t+1) = clip(x_t + s sign(∂L/∂x_t), x - r, x + r), and within 0 … 1

    Args:
        parameters: As in ``perceptron.forward``.
        inputs: x, in 0 … 1, shape ``[n, in]``.
        labels: The true classes, shape ``[n]``.
        radius: r, at least 0: the largest change of any pixel.
        steps: Number of steps, at least 1.
        step_size: s, above 0; by default 2.5 r divided by the number of steps.
        seed: Seed of a random start within the ball; ``None`` starts at x.

    Returns:
        The shape of ``inputs``.

    Raises:
        TypeError: The labels are not whole numbers.
        ValueError: The shapes do not match, or a number is out of range.

    Source: A. Madry et al., "Towards deep learning models resistant to adversarial attacks",
    ICLR 2018.

    >>> pgd([[[2.0, 0.0]], [0.0, 0.0]], [[0.5]], [0], radius=0.1, steps=3)
    array([[0.4]])
    """
    reach = check_number("radius", radius, 0)
    count = check_integer("steps", steps, 1)
    start = check_array("inputs", inputs, ndim=2, keep_float32=True)
    step = 2.5 * reach / count
    if step_size is not None:
        step = check_number("step_size", step_size, 0, open_low=True)
    moved = start
    if seed is not None:
        noise = np.random.default_rng(seed).uniform(-reach, reach, start.shape)
        moved = np.clip(start + noise, 0.0, 1.0).astype(start.dtype)
    for _ in range(count):
        moved = _moved(parameters, start, moved, labels, step=step, radius=reach)
    return moved


def _moved(
    parameters: Sequence[ArrayLike],
    start: Array,
    current: Array,
    labels: ArrayLike,
    *,
    step: float,
    radius: float,
) -> Array:
    direction = np.sign(input_gradients(parameters, current, labels)).astype(start.dtype)
    limits = np.maximum(start - radius, 0.0), np.minimum(start + radius, 1.0)
    return np.asarray(np.clip(current + step * direction, *limits))
