"""Score how much each weight matters: by its size, by the loss, or by Fisher information."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.activations import softmax
from deployworkbook.formulas.distributions import one_hot
from deployworkbook.formulas.perceptron import backward, forward
from deployworkbook.validation import check_array, check_same_shape


def magnitude(weights: ArrayLike) -> NDArray[np.float64]:
    """Score weights by their size, which needs no data.

        S = |w|

    Args:
        weights: Any shape.

    Returns:
        The shape of ``weights``.

    Source: S. Han et al., "Learning both weights and connections for efficient neural networks",
    NIPS 2015.

    >>> magnitude([-2.0, 1.0])
    array([2., 1.])
    """
    return np.abs(check_array("weights", weights))


def weights_and_inputs(weights: ArrayLike, input_norms: ArrayLike) -> NDArray[np.float64]:
    """Score weights by their size times that of what they are multiplied with ("Wanda").

        S_ij = |w_ij| ‖x_i‖

    A small weight whose input is always large moves its output more than a large weight whose
    input is nearly always 0. It needs no gradient, only some data that pass through the layer.

    Args:
        weights: w, shape ``[inputs, outputs]``, as in x W.
        input_norms: ‖x_i‖ over the data, one per input; a common factor changes no ranking, so
            the root of ``gptq.second_moments``' diagonal does as well.

    Returns:
        The shape of ``weights``. Compare scores within an output, as ``masks.n_of_m_mask`` does.

    Raises:
        ValueError: The shapes don't fit, or a norm is negative.

    Source: M. Sun, Z. Liu, A. Bair and J. Z. Kolter, "A simple and effective pruning approach for
    large language models", ICLR 2024.

    >>> weights_and_inputs([[-1.0], [0.5]], [1.0, 4.0]).tolist()
    [[1.0], [2.0]]
    """
    w = check_array("weights", weights, ndim=2)
    norms = check_array("input_norms", input_norms, shape=(len(w),), low=0)
    return np.abs(w) * norms[:, None]


def taylor(weights: ArrayLike, gradient: ArrayLike) -> NDArray[np.float64]:
    """Score weights by how much the loss would change without them, to first order.

        S = |w · ∂L/∂w|

    Args:
        weights: w, any shape.
        gradient: ∂L/∂w of the mean loss, the shape of ``weights``.

    Returns:
        The shape of ``weights``.

    Raises:
        ValueError: The shapes differ.

    Source: P. Molchanov et al., "Importance estimation for neural network pruning", CVPR 2019,
    where it is squared.

    >>> taylor([-2.0, 1.0], [0.1, 0.0])
    array([0.2, 0. ])
    """
    w, g = check_array("weights", weights), check_array("gradient", gradient)
    check_same_shape("weights", w, "gradient", g)
    return np.abs(w * g)


def optimal_brain_damage(weights: ArrayLike, curvature: ArrayLike) -> NDArray[np.float64]:
    """Score weights by how much the loss would rise without them, to second order at a minimum.

        S = ½ h w²

    Args:
        weights: w, any shape.
        curvature: h, the Hessian's diagonal, or the Fisher information in its place, the shape of
            ``weights``.

    Returns:
        The shape of ``weights``.

    Raises:
        ValueError: The shapes differ.

    Source: Y. LeCun, J. Denker and S. Solla, "Optimal brain damage", NIPS 1989.

    >>> optimal_brain_damage([-2.0, 1.0], [0.5, 0.0])  # the second can be pruned, whatever its size
    array([1., 0.])
    """
    w, h = check_array("weights", weights), check_array("curvature", curvature)
    check_same_shape("weights", w, "curvature", h)
    return 0.5 * h * w**2


def fisher(
    parameters: Sequence[ArrayLike], inputs: ArrayLike, labels: ArrayLike | None = None
) -> list[NDArray[np.float64]]:
    """Compute a perceptron's Fisher information diagonal without storing per-example gradients.

    The information is the mean square of the examples' gradients; the mean gradient itself is near
    0 at a minimum. For one example, a weight's gradient is its input times its output's error. Its
    square is the product of their squares, so the sum over examples is one matrix product:

        I(W_l) = 1/n (h_(l-1)²)ᵀ Σ_k P_k δ_l,k²,  I(b_l) = 1/n Σ_i Σ_k P_k δ_l,k²

    where δ_l,k is the error at layer l if the class were k.

    Args:
        parameters: As in ``perceptron.forward``.
        inputs: Shape ``[n, in]``.
        labels: Labels for the empirical Fisher, shape ``[n]``. ``None`` takes the expectation over
            the model's own predictions.

    Returns:
        One array per parameter, in their order and shapes, at least 0.

    Raises:
        TypeError: The labels are not whole numbers.
        ValueError: The shapes do not match, or a label is out of range.

    Source: L. Theis et al., "Faster gaze prediction with dense networks and Fisher pruning", 2018;
    the two kinds: F. Kunstner et al., "Limitations of the empirical Fisher approximation for
    natural gradient descent", NeurIPS 2019.

    >>> kernel, _ = fisher([np.zeros((2, 2)), np.zeros(2)], [[3.0, 0.0]])  # P = ½, δ = ±½
    >>> kernel
    array([[2.25, 2.25],
           [0.  , 0.  ]])
    """
    seen = forward(parameters, inputs)
    probabilities = softmax(seen[-1])
    count, classes = probabilities.shape
    if labels is None:
        squares = _expected_squares(parameters, seen, probabilities)
    else:
        targets = one_hot(labels, classes)
        check_same_shape("logits", probabilities, "one-hot labels", targets)
        squares = [error**2 for error in backward(parameters, seen, probabilities - targets)]
    information = []
    for values, square in zip(seen[:-1], squares, strict=True):
        information += [(values**2).T @ square / count, square.mean(axis=0)]
    return information


def _expected_squares(
    parameters: Sequence[ArrayLike], seen: list[NDArray[np.float64]], p: NDArray[np.float64]
) -> list[NDArray[np.float64]]:
    """Return Σ_k P_k δ_l,k² of each layer.

    The errors' mean over the classes is 0, so for the last two layers their mean square is the
    variance of what depends on the class, E[x²] - E[x]²: two products instead of one per class.
    """
    squares = [p * (1.0 - p)]
    if len(seen) > 2:
        kernel = np.asarray(parameters[-2], np.float64)
        variance = p @ (kernel**2).T - (p @ kernel.T) ** 2
        squares.insert(0, np.maximum(variance, 0.0) * (seen[-2] > 0))
    if len(seen) > 3:
        below = [np.zeros_like(values) for values in seen[1:-2]]
        for k, target in enumerate(np.eye(p.shape[1])):
            for square, error in zip(below, backward(parameters, seen, p - target), strict=False):
                square += p[:, k : k + 1] * error**2
        squares = below + squares
    return squares
