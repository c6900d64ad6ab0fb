"""The other half of a transformer's layer: an MLP that works on each position by itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.activations import softmax
from deployworkbook.validation import check_array, check_integer

Array = NDArray[np.float64]


def gelu(values: ArrayLike) -> Array:
    """Return the Gaussian error linear unit, by its approximation with tanh, as in GPT-2.

        x/2 (1 + tanh(√(2/π) (x + 0.044715 x³)))

    Args:
        values: x, any shape.

    Returns:
        The shape of ``values``: about x where it is large, about 0 where it is far below 0.

    Source: D. Hendrycks and K. Gimpel, "Gaussian error linear units", arXiv:1606.08415, 2016.

    >>> gelu([-10.0, 0.0, 1.0]).round(4)
    array([-0.    ,  0.    ,  0.8412])
    """
    x = check_array("values", values, keep_float32=True)
    slope = x.dtype.type(np.sqrt(2 / np.pi))
    return np.asarray(x / 2 * (1 + np.tanh(slope * (x + x.dtype.type(0.044715) * x * x * x))))


def silu(values: ArrayLike) -> Array:
    """Return the sigmoid-weighted linear unit.

        x / (1 + e^-x)

    Args:
        values: x, any shape.

    Returns:
        The shape of ``values``.

    Source: S. Elfwing, E. Uchibe and K. Doya, "Sigmoid-weighted linear units for neural network
    function approximation in reinforcement learning", Neural Networks 107, 2018.

    >>> silu([-1000.0, 0.0, np.log(3)]).round(4)  # log 3 · 3/4
    array([-0.   ,  0.   ,  0.824])
    """
    x = check_array("values", values, keep_float32=True)
    # The sigmoid by tanh, which doesn't overflow as e^-x does.
    return np.asarray(x / 2 * (1 + np.tanh(x / 2)))


def gated_feed_forward(rows: ArrayLike, gate: ArrayLike, up: ArrayLike, down: ArrayLike) -> Array:
    """Pass rows through a gated MLP: one matrix says how much of the other's output counts.

        y = (silu(x W_gate) ⊙ x W_up) W_down

    Args:
        rows: x, shape ``[..., d]``.
        gate: W_gate, shape ``[d, f]``.
        up: W_up, shape ``[d, f]``.
        down: W_down, shape ``[f, d]``.

    Returns:
        The shape of ``rows``.

    Raises:
        ValueError: The shapes don't fit.

    Source: N. Shazeer, "GLU variants improve transformer", arXiv:2002.05202, 2020.

    >>> gated_feed_forward([[1.0, 2.0]], np.eye(2) * 100, np.eye(2), np.eye(2))  # 100 · 1, 200 · 2
    array([[100., 400.]])
    """
    x = check_array("rows", rows, shape=(None,), keep_float32=True)
    g, u, w = np.asarray(gate), np.asarray(up), np.asarray(down)
    return np.asarray((silu(x @ g) * (x @ u)) @ w)


def mixture_of_experts(
    rows: ArrayLike,
    router: ArrayLike,
    gate: ArrayLike,
    up: ArrayLike,
    down: ArrayLike,
    *,
    active: int,
) -> Array:
    """Pass each row through the few experts that a router chooses for it.

        y = Σ_{i in top k of x W_router} p_i MLP_i(x),  p = softmax over the k chosen logits

    The model has E experts' weights in memory, but a row is multiplied with k experts' only.

    Args:
        rows: x, shape ``[..., d]``.
        router: Shape ``[d, experts]``.
        gate: Shape ``[experts, d, f]``.
        up: Shape ``[experts, d, f]``.
        down: Shape ``[experts, f, d]``.
        active: k, from 1 to the number of experts.

    Returns:
        The shape of ``rows``.

    Raises:
        ValueError: ``active`` is out of range, or the shapes don't fit.

    Source: A. Q. Jiang et al., "Mixtral of experts", arXiv:2401.04088, 2024, after N. Shazeer et
    al., "Outrageously large neural networks: the sparsely-gated mixture-of-experts layer", ICLR
    2017.

    >>> up = np.stack([np.eye(2), 10 * np.eye(2)])  # the second expert returns ten times as much
    >>> router = np.array([[0.0, 1.0], [0.0, 0.0]])  # and is chosen where the first number is > 0
    >>> gate, down = np.full((2, 2, 2), 100.0), np.stack([np.eye(2), np.eye(2)]) / 100
    >>> mixture_of_experts([[1.0, 1.0], [-1.0, 2.0]], router, gate, up, down, active=1)
    array([[20., 20.],
           [-1.,  2.]])
    """
    x = check_array("rows", rows, shape=(None,), keep_float32=True)
    flat = x.reshape(-1, x.shape[-1])
    logits = flat @ np.asarray(router)
    count = check_integer("active", active, 1, logits.shape[-1])
    chosen = np.argsort(-logits, axis=-1, kind="stable")[:, :count]
    shares = softmax(np.take_along_axis(logits, chosen, axis=-1)).astype(x.dtype)
    total = np.zeros_like(flat)
    for expert, weights in enumerate(
        zip(np.asarray(gate), np.asarray(up), np.asarray(down), strict=True)
    ):
        row, place = np.nonzero(chosen == expert)
        if row.size:
            total[row] += shares[row, place, None] * gated_feed_forward(flat[row], *weights)
    return total.reshape(x.shape)
