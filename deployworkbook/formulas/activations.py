"""From logits to probabilities: the softmax and its logarithm, safe at any logit.

Each works on the last axis (the classes) and keeps all axes before it. The exponential of a large
logit overflows, so every formula is rewritten to take exponentials of numbers ≤ 0 only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array, check_same_shape


def log_sum_exp(logits: ArrayLike) -> NDArray[np.float64]:
    """Return the logarithm of a sum of exponentials: the softmax's denominator.

        log Σ e^z_k = m + log Σ e^(z_k - m),  m = max z_k

    Args:
        logits: Shape ``[..., classes]``.

    Returns:
        Shape ``[...]``.

    >>> round(float(log_sum_exp([1e4, 1e4])), 4)
    10000.6931
    """
    values = check_array("logits", logits, shape=(None,))
    largest = values.max(axis=-1, keepdims=True)
    total = np.exp(values - largest).sum(axis=-1)
    return np.asarray(largest[..., 0] + np.log(total))


def log_softmax(logits: ArrayLike) -> NDArray[np.float64]:
    """Return the logarithm of the softmax, finite even where the probability underflows to 0.

        log p_k = z_k - log Σ e^z_j

    Args:
        logits: Shape ``[..., classes]``.

    Returns:
        The shape of ``logits``, at most 0.

    >>> log_softmax([0.0, -1e4])
    array([     0., -10000.])
    """
    values = check_array("logits", logits, shape=(None,))
    # Subtract the maximum first: z_k - log Σ e^z_j would lose digits at large logits.
    shifted = values - values.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def softmax(logits: ArrayLike) -> NDArray[np.float64]:
    """Return the probabilities of the classes.

        p_k = e^z_k / Σ e^z_j

    Args:
        logits: Shape ``[..., classes]``.

    Returns:
        The shape of ``logits``; each row sums to 1.

    Source: J. Bridle, "Training stochastic model recognition algorithms as networks can lead to
    maximum mutual information estimation of parameters", NIPS 1989.

    >>> softmax([[0.0, 0.0], [np.log(3), 0.0]])
    array([[0.5 , 0.5 ],
           [0.75, 0.25]])
    """
    values = check_array("logits", logits, shape=(None,))
    exponentials = np.exp(values - values.max(axis=-1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True))


def softmax_gradient(logits: ArrayLike, upstream: ArrayLike) -> NDArray[np.float64]:
    """Compute a loss's gradient with respect to the logits from that with respect to the softmax.

        ∂p_j/∂z_k = p_j (1[j = k] - p_k),  so  ∂L/∂z_k = p_k (g_k - Σ g_j p_j),  g = ∂L/∂p

    Args:
        logits: Shape ``[..., classes]``.
        upstream: ∂L/∂p, the shape of ``logits``.

    Returns:
        The shape of ``logits``; each row sums to 0.

    Raises:
        ValueError: The shapes differ.

    >>> softmax_gradient([0.0, 0.0], [-2.0, 0.0])  # -1/p of class 0: cross-entropy
    array([-0.5,  0.5])
    """
    gradient = check_array("upstream", upstream, shape=(None,))
    check_same_shape("logits", logits, "upstream", gradient)
    probabilities = softmax(logits)
    mean = (gradient * probabilities).sum(axis=-1, keepdims=True)
    return np.asarray(probabilities * (gradient - mean))
