"""Private gradients: clip each example's gradient, add them up, add noise (DP-SGD).

One example moves the sum of clipped gradients by at most the clip norm C, whatever it is. Gaussian
noise of standard deviation σ C hides a move of that size. The order matters: an average that is
clipped afterwards can be moved by one example as far as before.

No gradient per example is stored. In a dense layer, an example's gradient is the outer product of
what went into the layer and the error that came out, so its squared norm is the product of theirs:

    ‖∂L_i/∂W_l‖² = ‖h_(l-1),i‖² ‖δ_l,i‖²,   ‖∂L_i/∂b_l‖² = ‖δ_l,i‖²

Multiplying an example's errors by a factor multiplies its gradient by it, so clipping takes no
second pass.

Source: M. Abadi et al., "Deep learning with differential privacy", CCS 2016; the norms:
I. Goodfellow, "Efficient per-example gradient computations", arXiv:1510.01799, 2015.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.backpropagation import layer_gradients
from deployworkbook.formulas.losses import categorical_cross_entropy_from_logits_gradient
from deployworkbook.formulas.perceptron import backward, forward
from deployworkbook.validation import check_array, check_integer, check_number

Array = NDArray[np.float64]


def poisson_batch(
    examples: int, sampling_rate: float, *, seed: int | np.random.Generator
) -> NDArray[np.int64]:
    """Draw a batch in which each example takes part by its own coin toss.

    The accountant's figure holds for batches drawn like this. Their size varies, with a mean of
    ``examples`` times ``sampling_rate``; a small batch may be empty.

    Args:
        examples: Number of examples, at least 1.
        sampling_rate: q, probability of taking part, from 0 to 1.
        seed: Seed, or a generator, which is moved on.

    Returns:
        Row numbers, rising.

    Raises:
        ValueError: A number is out of range.

    >>> poisson_batch(10, 0.3, seed=0)
    array([1, 2, 3])
    """
    count = check_integer("examples", examples, 1)
    rate = check_number("sampling_rate", sampling_rate, 0, 1)
    return np.flatnonzero(np.random.default_rng(seed).random(count) < rate)


def example_gradient_norms(seen: Sequence[ArrayLike], errors: Sequence[ArrayLike]) -> Array:
    """Return the norm of each example's gradient with respect to all parameters together.

        ‖g_i‖ = √(Σ_l (‖h_(l-1),i‖² + 1) ‖δ_l,i‖²)

    Args:
        seen: h_0, h_1, …, as from ``perceptron.forward``; the logits at the end are ignored.
        errors: δ_1 … δ_L, as from ``perceptron.backward``.

    Returns:
        Shape ``[n]``.

    Raises:
        ValueError: The numbers of examples differ.

    >>> example_gradient_norms([[[2.0, 2.0]]], [[[0.0, 4.0]]])  # √(8 + 1) · 4
    array([12.])
    """
    squares = np.zeros(np.shape(seen[0])[:1])
    # Between the last hidden layer and its error lie the output layer's weights.
    for values, error in zip(seen, errors, strict=False):
        inputs = check_array("seen", values, ndim=2, keep_float32=True)
        delta = check_array("errors", error, ndim=2, keep_float32=True)
        check_array("errors", delta, shape=(len(inputs), None), keep_float32=True)
        squares = squares + (_squares(inputs) + 1.0) * _squares(delta)
    return np.asarray(np.sqrt(squares))


def clip_factors(norms: ArrayLike, clip_norm: float) -> Array:
    """Return the factors that shorten vectors to a norm, and leave shorter ones as they are.

        min(1, C / ‖g_i‖)

    Args:
        norms: ‖g_i‖, at least 0, any shape.
        clip_norm: C, above 0.

    Returns:
        In (0, 1], the shape of ``norms``.

    Raises:
        ValueError: A norm is negative, or ``clip_norm`` is not above 0.

    >>> clip_factors([0.0, 0.5, 2.0], 1.0)
    array([1. , 1. , 0.5])
    """
    lengths = check_array("norms", norms, low=0)
    limit = check_number("clip_norm", clip_norm, 0, open_low=True)
    return np.asarray(limit / np.maximum(lengths, limit))


def clipped_gradients(
    parameters: Sequence[ArrayLike], inputs: ArrayLike, targets: ArrayLike, *, clip_norm: float
) -> list[Array]:
    """Sum up the gradients of a batch's examples, each clipped first.

        Σ_i min(1, C / ‖g_i‖) g_i

    Args:
        parameters: As in ``perceptron.forward``.
        inputs: Shape ``[n, in]``; if they and the parameters are float32, so is all that takes
            time.
        targets: Distributions, shape ``[n, classes]``.
        clip_norm: C, above 0.

    Returns:
        One array per parameter, in their order and shapes. Without any one example, all of them
        together would differ by at most C.

    Raises:
        ValueError: The shapes do not match, targets are not distributions, or ``clip_norm`` is not
            above 0.

    >>> kernel, bias = clipped_gradients(
    ...     [np.zeros((1, 2)), np.zeros(2)], [[0.0], [0.0]], [[1, 0], [1, 0]], clip_norm=0.1
    ... )
    >>> bias.round(4)  # (-½, ½), twice, of norm 0.7 each, shortened to 0.1
    array([-0.1414,  0.1414])
    """
    seen = forward(parameters, inputs, keep_float32=True)
    last = categorical_cross_entropy_from_logits_gradient(targets, seen[-1]).astype(seen[-1].dtype)
    errors = backward(parameters, seen, last, keep_float32=True)
    factors = clip_factors(example_gradient_norms(seen[:-1], errors), clip_norm)
    scale = (len(last) * factors[:, None]).astype(last.dtype)
    gradients: list[Array] = []
    for values, error in zip(seen[:-1], errors, strict=True):
        gradients += layer_gradients(values, error * scale, keep_float32=True)
    return gradients


def private_gradients(
    parameters: Sequence[ArrayLike],
    inputs: ArrayLike,
    targets: ArrayLike,
    *,
    clip_norm: float,
    noise_multiplier: float,
    batch_size: float,
    seed: int | np.random.Generator,
) -> list[Array]:
    """Return the noisy mean gradient of a batch that was drawn by ``poisson_batch``.

        (Σ_i min(1, C / ‖g_i‖) g_i + N(0, σ² C²)) / B

    B is the expected size of a batch, because its actual size would reveal who took part.

    Args:
        parameters: As in ``perceptron.forward``.
        inputs: Shape ``[n, in]``; n may be 0.
        targets: Distributions, shape ``[n, classes]``.
        clip_norm: C, above 0.
        noise_multiplier: σ, at least 0.
        batch_size: B, above 0.
        seed: Seed of the noise, or a generator, which is moved on.

    Returns:
        One array per parameter, in their order and shapes.

    Raises:
        ValueError: The shapes do not match, or a number is out of range.

    >>> quiet = private_gradients(
    ...     [np.zeros((1, 2)), np.zeros(2)], [[0.0]], [[1, 0]],
    ...     clip_norm=1.0, noise_multiplier=0.0, batch_size=2, seed=0,
    ... )
    >>> quiet[1]
    array([-0.25,  0.25])
    """
    limit = check_number("clip_norm", clip_norm, 0, open_low=True)
    sigma = check_number("noise_multiplier", noise_multiplier, 0)
    size = check_number("batch_size", batch_size, 0, open_low=True)
    generator = np.random.default_rng(seed)
    if len(np.asarray(inputs)):
        totals = clipped_gradients(parameters, inputs, targets, clip_norm=limit)
    else:
        totals = [np.zeros_like(np.asarray(values)) for values in parameters]
    noisy = []
    for total in totals:
        single = total.dtype == np.float32
        noise = generator.standard_normal(total.shape, np.float32 if single else np.float64)
        noise *= sigma * limit
        noisy.append((total + noise) / total.dtype.type(size))
    return noisy


def _squares(rows: Array) -> Array:
    return np.asarray(np.einsum("ij,ij->i", rows, rows))
