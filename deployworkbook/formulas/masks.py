"""Masks: which weights to keep, by their scores, at an exact sparsity.

A mask is True where a weight is kept. Pruning a fraction s of n weights drops the round(s n) with
the lowest scores; of equal scores, the first in memory.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.whole_numbers import rounded_down
from deployworkbook.validation import check_array, check_integer, check_number, value_error


def layer_mask(scores: ArrayLike, sparsity: float) -> NDArray[np.bool_]:
    """Prune a fraction of one layer's weights, whatever the other layers look like.

    Args:
        scores: One score per weight, any shape.
        sparsity: Fraction to prune, from 0 to 1.

    Returns:
        The shape of ``scores``.

    Raises:
        ValueError: ``sparsity`` is out of range.

    >>> layer_mask([3.0, 1.0, 2.0, 1.0], 0.25)
    array([ True, False,  True,  True])
    """
    return global_masks([scores], sparsity)[0]


def global_masks(scores: Sequence[ArrayLike], sparsity: float) -> list[NDArray[np.bool_]]:
    """Prune a fraction of all weights where they matter least: some layers lose more than others.

    Args:
        scores: Per layer, one score per weight; comparable across layers.
        sparsity: Fraction of all weights to prune, from 0 to 1.

    Returns:
        One mask per layer, in the shape of its scores.

    Raises:
        ValueError: There is no layer, or ``sparsity`` is out of range.

    Source: on the gain over equal fractions: D. Blalock et al., "What is the state of neural
    network pruning?", MLSys 2020.

    >>> global_masks([[5.0, 6.0], [1.0, 9.0]], 0.5)
    [array([False,  True]), array([False,  True])]
    """
    layers = [check_array("scores", layer) for layer in scores]
    if not layers:
        raise value_error("scores", received="no layers", expected="at least one")
    together = ranks(np.concatenate([layer.ravel() for layer in layers]))
    kept = mask_of_ranks(together, sparsity)
    ends = np.cumsum([layer.size for layer in layers])[:-1]
    return [
        part.reshape(layer.shape) for part, layer in zip(np.split(kept, ends), layers, strict=True)
    ]


def ranks(scores: ArrayLike) -> NDArray[np.int64]:
    """Rank scores from the lowest, 0; of equal scores, the first in memory comes first.

    Sorting takes most of a mask's time. For many sparsities of the same scores, sort once here and
    pass the ranks to ``mask_of_ranks``.

    Args:
        scores: Any shape.

    Returns:
        Ranks 0 … n - 1, the shape of ``scores``.

    >>> ranks([3.0, 1.0, 2.0, 1.0])
    array([3, 0, 2, 1])
    """
    array = check_array("scores", scores)
    places = np.empty(array.size, dtype=np.int64)
    # A stable sort, so that ties are broken the same way on every machine.
    places[np.argsort(array, axis=None, kind="stable")] = np.arange(array.size)
    return places.reshape(array.shape)


def mask_of_ranks(places: NDArray[np.int64], sparsity: float) -> NDArray[np.bool_]:
    """Prune the fraction of the weights that has the lowest ranks.

    Args:
        places: Ranks from ``ranks``.
        sparsity: Fraction to prune, from 0 to 1.

    Returns:
        The shape of ``places``.

    Raises:
        ValueError: ``sparsity`` is out of range.

    >>> mask_of_ranks(ranks([3.0, 1.0, 2.0, 1.0]), 0.25)
    array([ True, False,  True,  True])
    """
    share = check_number("sparsity", sparsity, 0, 1)
    return np.asarray(places >= int(rounded_down(share * places.size + 0.5)))


def n_of_m_mask(scores: ArrayLike, *, keep: int, group: int, axis: int = 0) -> NDArray[np.bool_]:
    """Keep the best N of every M neighbours: a pattern whose zeros hardware can skip.

    2:4 runs up to twice as fast on GPUs with sparse tensor cores; unstructured zeros do not.
    ``n_of_m_bits`` says what it takes.

    Args:
        scores: One score per weight, any shape.
        keep: N, from 0 to M.
        group: M; divides the length of ``axis``.
        axis: Axis along which weights are neighbours; by default the inputs, axis 0 of a Keras
            kernel, over which the hardware sums.

    Returns:
        The shape of ``scores``.

    Raises:
        ValueError: A number is out of range, or M does not divide the axis.

    Source: A. Mishra et al., "Accelerating sparse deep neural networks", 2021.

    >>> n_of_m_mask([4.0, 1.0, 2.0, 3.0], keep=2, group=4)
    array([ True, False, False,  True])
    """
    array = check_array("scores", scores, shape=(None,))
    size = check_integer("group", group, 1)
    best = check_integer("keep", keep, 0, size)
    along = check_integer("axis", axis, -array.ndim, array.ndim - 1)
    moved = np.moveaxis(array, along, -1)
    if moved.shape[-1] % size:
        raise value_error(
            "scores",
            received=f"{moved.shape[-1]} weights along axis {axis}",
            expected=f"a multiple of {size}",
            remedy="Choose another group, or leave this layer dense.",
        )
    groups = moved.reshape(*moved.shape[:-1], -1, size)
    ranks = groups.argsort(axis=-1, kind="stable").argsort(axis=-1)
    kept = (ranks >= size - best).reshape(moved.shape)
    return np.moveaxis(kept, -1, along)


def n_of_m_bits(bits: float, *, keep: int = 2, group: int = 4) -> float:
    """Return the bits per weight, zeros included, if N of every M are stored with their positions.

        N (b + ⌈log2 M⌉) / M

    Args:
        bits: b, bits of each kept weight.
        keep: N, from 0 to M.
        group: M.

    Raises:
        ValueError: A number is out of range.

    Source: A. Mishra et al., 2021: 2:4 stores a position of 2 bits with each kept value.

    >>> n_of_m_bits(16), n_of_m_bits(4)  # half of the weights, and a bit per weight for positions
    (9.0, 3.0)
    """
    size = check_integer("group", group, 1)
    kept = check_integer("keep", keep, 0, size)
    place = (size - 1).bit_length()
    return kept * (check_number("bits", bits, 0, open_low=True) + place) / size


def neuron_mask(scores: ArrayLike, sparsity: float) -> NDArray[np.bool_]:
    """Prune whole neurons, which leaves a smaller dense layer.

    A neuron's score is the sum of its weights' scores.

    Args:
        scores: Shape ``[..., in, out]``; a column is a neuron.
        sparsity: Fraction of the neurons to prune, from 0 to 1.

    Returns:
        The shape of ``scores``; each column is all True or all False.

    Raises:
        ValueError: ``sparsity`` is out of range.

    Source: H. Li et al., "Pruning filters for efficient ConvNets", ICLR 2017.

    >>> neuron_mask([[3.0, 0.0], [0.0, 2.0]], 0.5)
    array([[ True, False],
           [ True, False]])
    """
    array = check_array("scores", scores, shape=(None, None))
    kept = mask_of_ranks(ranks(array.sum(axis=tuple(range(array.ndim - 1)))), sparsity)
    return np.broadcast_to(kept, array.shape).copy()


def cubic_sparsity(
    step: ArrayLike, *, begin: float, end: float, initial: float = 0.0, final: float
) -> NDArray[np.float64]:
    """Return a rising sparsity: fast at first, while weights are redundant, then ever more slowly.

        s_t = s_f + (s_i - s_f) (1 - (t - t_0) / (t_1 - t_0))³,  t kept within t_0 … t_1

    Args:
        step: t, training steps, any shape.
        begin: t_0, the first step of the rise.
        end: t_1, the last one, above ``begin``.
        initial: s_i, from 0 to 1.
        final: s_f, from ``initial`` to 1.

    Returns:
        The shape of ``step``.

    Raises:
        ValueError: A number is out of range.

    Source: M. Zhu and S. Gupta, "To prune, or not to prune", 2017.

    >>> cubic_sparsity([0, 50, 100, 200], begin=0, end=100, final=0.8)  # 0.8 (1 - 0.5³) = 0.7
    array([0. , 0.7, 0.8, 0.8])
    """
    first = check_number("begin", begin)
    last = check_number("end", end, first, open_low=True)
    lowest = check_number("initial", initial, 0, 1)
    highest = check_number("final", final, lowest, 1)
    elapsed = np.clip((check_array("step", step) - first) / (last - first), 0.0, 1.0)
    return np.asarray(highest + (lowest - highest) * (1.0 - elapsed) ** 3)
