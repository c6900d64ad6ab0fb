"""Attention: each position takes in a mixture of the positions before it.

A **query** asks, **keys** say what each position has to offer, and **values** are what is taken.
In a language model each position attends only to itself and to earlier ones. Their keys and values
never change, so that they are computed once and kept: the key-value cache.

Everything is computed in float64, or in float32 if that is what it is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.activations import softmax
from deployworkbook.validation import check_array, check_integer, value_error

Array = NDArray[np.float64]

# Stands for -∞, whose difference from itself isn't a number. Its exponential is exactly 0.
HIDDEN = -1e30


def causal_mask(queries: int, keys: int) -> NDArray[np.bool_]:
    """Return which keys each query may see, if the queries are the last of the positions.

        visible_ij = (j ≤ i + m - n)

    Args:
        queries: n, at most ``keys``.
        keys: m, all positions.

    Returns:
        Shape ``[queries, keys]``.

    Raises:
        ValueError: There are more queries than keys.

    >>> causal_mask(2, 3).astype(int)  # one position is cached, two are new
    array([[1, 1, 0],
           [1, 1, 1]])
    """
    m = check_integer("keys", keys, 1)
    n = check_integer("queries", queries, 1, m)
    return np.arange(m) <= np.arange(n)[:, None] + m - n


def attention(
    queries: ArrayLike, keys: ArrayLike, values: ArrayLike, *, causal: bool = True
) -> Array:
    """Mix the values by how well their keys match the queries: scaled dot-product attention.

        softmax(Q Kᵀ / √e) V

    The scores are divided by √e because the dot product of two random vectors of e numbers with
    variance 1 has a variance of e: unscaled, the softmax would pick a single key.

    Args:
        queries: Q, shape ``[..., n, e]``.
        keys: K, shape ``[..., m, e]``.
        values: V, shape ``[..., m, v]``.
        causal: Whether each query sees only keys of its own and of earlier positions; the queries
            are the last n of the m positions.

    Returns:
        Shape ``[..., n, v]``.

    Raises:
        ValueError: The shapes don't fit.

    Source: A. Vaswani et al., "Attention is all you need", NIPS 2017.

    >>> attention([[2.0], [0.0]], [[0.0], [np.log(3) / 2]], [[0.0], [4.0]])
    array([[0.],
           [2.]])
    >>> attention([[2.0], [0.0]], [[0.0], [np.log(3) / 2]], [[0.0], [4.0]], causal=False)
    array([[3.],
           [2.]])
    """
    q = check_array("queries", queries, shape=(None, None), keep_float32=True)
    k = check_array("keys", keys, shape=(None, q.shape[-1]), keep_float32=True)
    v = check_array("values", values, shape=(k.shape[-2], None), keep_float32=True)
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.dtype.type(q.shape[-1]))
    if causal:
        scores = np.where(causal_mask(q.shape[-2], k.shape[-2]), scores, HIDDEN)
    return np.asarray(softmax(scores).astype(v.dtype) @ v)


def grouped_attention(
    queries: ArrayLike, keys: ArrayLike, values: ArrayLike, *, causal: bool = True
) -> Array:
    """Let several heads attend; each head of keys and values serves a group of query heads.

        head i uses keys and values ⌊i / (h/g)⌋

    With as many heads of keys as of queries, this is multi-head attention; with a single one it is
    multi-query attention. The cache shrinks by h/g, and so does the time to read it.

    Args:
        queries: Shape ``[..., heads, n, e]``.
        keys: Shape ``[..., kv_heads, m, e]``; ``kv_heads`` divides ``heads``.
        values: Shape ``[..., kv_heads, m, v]``.
        causal: Whether each query sees only keys of its own and of earlier positions.

    Returns:
        Shape ``[..., heads, n, v]``.

    Raises:
        ValueError: The shapes don't fit.

    Source: J. Ainslie et al., "GQA: training generalized multi-query transformer models from
    multi-head checkpoints", EMNLP 2023; multi-query: N. Shazeer, "Fast transformer decoding: one
    write-head is all you need", 2019.

    >>> queries = np.zeros((4, 1, 2))  # four heads that look at everything alike
    >>> values = [[[1.0], [3.0]], [[10.0], [30.0]]]  # two heads of values
    >>> grouped_attention(queries, np.zeros((2, 2, 2)), values).ravel()
    array([ 2.,  2., 20., 20.])
    """
    q = check_array("queries", queries, shape=(None, None, None), keep_float32=True)
    k = check_array("keys", keys, shape=(None, None, q.shape[-1]), keep_float32=True)
    v = check_array("values", values, shape=(*k.shape[-3:-1], None), keep_float32=True)
    heads, kv_heads = q.shape[-3], k.shape[-3]
    if heads % kv_heads:
        raise value_error(
            "keys", received=f"{kv_heads} heads", expected=f"a number that divides {heads}"
        )
    grouped = q.reshape(*q.shape[:-3], kv_heads, heads // kv_heads, *q.shape[-2:])
    mixed = attention(grouped, k[..., None, :, :], v[..., None, :, :], causal=causal)
    return mixed.reshape(*q.shape[:-1], v.shape[-1])


def split_heads(rows: ArrayLike, heads: int) -> Array:
    """Cut each position's numbers into heads.

    Args:
        rows: Shape ``[..., positions, heads · e]``.
        heads: Number of heads, which divides the last axis.

    Returns:
        Shape ``[..., heads, positions, e]``.

    Raises:
        ValueError: The last axis can't be divided.

    >>> split_heads([[1, 2, 3, 4]], 2)
    array([[[1., 2.]],
    <BLANKLINE>
           [[3., 4.]]])
    """
    array = check_array("rows", rows, shape=(None, None), keep_float32=True)
    count, width = check_integer("heads", heads, 1), array.shape[-1]
    if width % count:
        raise value_error("heads", received=f"{count}", expected=f"a number that divides {width}")
    return array.reshape(*array.shape[:-1], count, width // count).swapaxes(-2, -3)


def join_heads(heads: ArrayLike) -> Array:
    """Put the heads' numbers side by side again: the inverse of ``split_heads``.

    Args:
        heads: Shape ``[..., heads, positions, e]``.

    Returns:
        Shape ``[..., positions, heads · e]``.

    >>> join_heads([[[1, 2]], [[3, 4]]])
    array([[1., 2., 3., 4.]])
    """
    array = check_array("heads", heads, shape=(None, None, None), keep_float32=True)
    rows = array.swapaxes(-2, -3)
    return rows.reshape(*rows.shape[:-2], -1)


@dataclass(frozen=True, eq=False)
class KeyValueCache:
    """The keys and values of all positions so far, in one layer.

    Args:
        keys: Shape ``[..., kv_heads, positions, e]``.
        values: Shape ``[..., kv_heads, positions, v]``.
    """

    keys: Array
    values: Array

    @property
    def positions(self) -> int:
        """Number of positions."""
        return int(self.keys.shape[-2])

    @property
    def size_bytes(self) -> int:
        """Bytes that keys and values take."""
        return self.keys.nbytes + self.values.nbytes

    def grown(self, keys: Array, values: Array) -> KeyValueCache:
        """Return a cache that has the rows of new positions as well.

        Args:
            keys: Shape ``[..., kv_heads, n, e]``.
            values: Shape ``[..., kv_heads, n, v]``.

        Raises:
            ValueError: They don't fit the cache.
        """
        check_fits("keys", keys, self.keys)
        check_fits("values", values, self.values)
        return KeyValueCache(
            np.concatenate([self.keys, keys], axis=-2),
            np.concatenate([self.values, values], axis=-2),
        )


class LayerCache(Protocol):
    """What a layer keeps of earlier positions, whatever numbers it is stored in."""

    @property
    def keys(self) -> NDArray[Any]:
        """Shape ``[..., kv_heads, positions, e]``."""

    @property
    def values(self) -> NDArray[Any]:
        """Shape ``[..., kv_heads, positions, v]``."""

    @property
    def positions(self) -> int:
        """Number of positions."""

    @property
    def size_bytes(self) -> int:
        """Bytes that keys and values take."""

    def grown(self, keys: NDArray[Any], values: NDArray[Any]) -> LayerCache:
        """Return a cache that has the rows of new positions as well."""


def check_fits(name: str, new: ArrayLike, old: NDArray[Any]) -> None:
    """Raise an error unless new rows fit a cache's, but for the positions.

    Args:
        name: What the rows are.
        new: Rows of new positions, shape ``[..., kv_heads, n, e]``.
        old: Rows of the cache.

    Raises:
        ValueError: Their shapes differ elsewhere than in the positions.

    >>> check_fits("keys", np.zeros((2, 1, 8)), np.zeros((2, 5, 8)))
    """
    shape = np.shape(new)
    if (*shape[:-2], *shape[-1:]) != (*old.shape[:-2], old.shape[-1]):
        raise value_error(
            name,
            received=f"shape {shape}",
            expected=f"the cache's shape, {old.shape}, but for the positions",
        )


def cached_attention(
    queries: ArrayLike, keys: ArrayLike, values: ArrayLike, *, cache: LayerCache | None = None
) -> tuple[Array, LayerCache]:
    """Attend from new positions to cached and new ones, and return the grown cache.

    The result equals the last rows of attention over all positions at once, but each step computes
    the keys and values of its own positions only.

    Args:
        queries: Of the new positions, shape ``[..., heads, n, e]``.
        keys: Of the new positions, shape ``[..., kv_heads, n, e]``.
        values: Of the new positions, shape ``[..., kv_heads, n, v]``.
        cache: Keys and values of earlier positions; ``None`` at the start, or an empty one of
            another kind (``cache_quantization.rounded_cache``).

    Returns:
        The heads' mixtures, shape ``[..., heads, n, v]``, and a cache of all positions. The one
        passed in is unchanged.

    Raises:
        ValueError: The shapes don't fit each other, or the cache.

    >>> x = np.arange(6.0).reshape(1, 3, 2)  # one head, three positions
    >>> start, cache = cached_attention(x[:, :2], x[:, :2], x[:, :2])
    >>> last, cache = cached_attention(x[:, 2:], x[:, 2:], x[:, 2:], cache=cache)
    >>> np.allclose(np.concatenate([start, last], axis=1), grouped_attention(x, x, x))
    True
    """
    k = check_array("keys", keys, shape=(None, None, None), keep_float32=True)
    v = check_array("values", values, shape=(*k.shape[-3:-1], None), keep_float32=True)
    grown: LayerCache = KeyValueCache(k, v) if cache is None else cache.grown(k, v)
    return grouped_attention(queries, grown.keys, grown.values), grown
