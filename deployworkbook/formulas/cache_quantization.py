"""A key-value cache in few bits: each new row of keys and values is rounded once, and kept so.

A row is what one token leaves in one head. Rows come one by one, so a scale must be known when its
row comes: each row has its own, or each channel has one that was chosen beforehand, from
calibration text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.attention import check_fits
from deployworkbook.formulas.packed_codes import packed_bytes
from deployworkbook.formulas.transformer_shape import TransformerShape
from deployworkbook.validation import check_array, check_integer, value_error

# Scales are stored in 16 bits; this is the smallest above 0.
LEAST_SCALE = float(np.finfo(np.float16).smallest_subnormal)


@dataclass(frozen=True, eq=False)
class RoundedRows:
    """Keys or values as integers: row ≈ scale · codes.

    Args:
        codes: Integers from -(2^(bits - 1) - 1) to 2^(bits - 1) - 1, int8, shape
            ``[..., kv_heads, positions, e]``.
        scales: float16, shape ``[..., kv_heads, positions, 1]`` (one per token and head) or
            ``[kv_heads, 1, e]`` (one per channel, for all tokens).
        bits: Bits per code.
        by_channel: Whether each channel has a scale rather than each row.
    """

    codes: NDArray[np.int8]
    scales: NDArray[np.float16]
    bits: int = 8
    by_channel: bool = False

    @property
    def numbers(self) -> NDArray[np.float32]:
        """What the integers stand for, in the shape of ``codes``."""
        return np.asarray(self.codes * self.scales.astype(np.float32), np.float32)

    @property
    def size_bytes(self) -> int:
        """Bytes of packed codes and scales."""
        width = int(self.codes.shape[-1])
        rows = self.codes.size // width
        return rows * packed_bytes(width, bits=self.bits) + self.scales.nbytes

    def grown(self, rows: ArrayLike) -> RoundedRows:
        """Round the rows of new positions, and append them; those before stay as they are.

        Args:
            rows: Shape ``[..., kv_heads, n, e]``.
        """
        new = round_rows(rows, bits=self.bits, scales=self.scales if self.by_channel else None)
        codes = np.concatenate([self.codes, new.codes], axis=-2)
        if self.by_channel:
            return replace(self, codes=codes)
        return replace(self, codes=codes, scales=np.concatenate([self.scales, new.scales], axis=-2))


def round_rows(rows: ArrayLike, *, bits: int = 8, scales: ArrayLike | None = None) -> RoundedRows:
    """Round keys or values to integers around 0.

        s = max|x| / (2^(b-1) - 1),  q = clip(round(x / s), ±(2^(b-1) - 1))

    With a scale per row, s leaves the sums of attention: the score of a query u with row j is
    s_j (u · q_j), and a mixture of values is Σ_j (p_j s_j) q_j. So the rows themselves need never
    be turned back into floats.

    Args:
        rows: x, shape ``[..., kv_heads, positions, e]``.
        bits: b, from 2 to 8.
        scales: Scales per channel from ``channel_scales``; by default each row has its own.

    Returns:
        Integers and scales.

    Raises:
        ValueError: ``bits`` is out of range, or the scales don't fit.

    Source: T. Dettmers et al., "LLM.int8(): 8-bit matrix multiplication for transformers at
    scale", NeurIPS 2022 (a scale per row); for caches: Z. Liu et al., "KIVI: a tuning-free
    asymmetric 2bit quantization for KV cache", ICML 2024.

    >>> rounded = round_rows([[[12.7, -6.4, 0.04]]])
    >>> rounded.codes.tolist(), rounded.size_bytes  # three codes, and a scale of two bytes
    ([[[127, -64, 0]]], 5)
    """
    array = check_array("rows", rows, shape=(None, None, None), keep_float32=True)
    top = _top(bits)
    if scales is None:
        steps = _scales(np.abs(array).max(axis=-1, keepdims=True, initial=0.0), top)
    else:
        heads, _, width = array.shape[-3:]
        steps = check_array("scales", scales, shape=(heads, 1, width)).astype(np.float16)
    codes = np.clip(np.rint(array / steps.astype(np.float32)), -top, top).astype(np.int8)
    return RoundedRows(codes, steps, bits, by_channel=scales is not None)


def channel_scales(rows: ArrayLike, *, bits: int = 8) -> NDArray[np.float16]:
    """Choose a scale for each channel of each head, from the rows of calibration text.

        s_c = max over all rows |x_c| / (2^(b-1) - 1)

    Args:
        rows: x, shape ``[..., kv_heads, positions, e]``.
        bits: b, from 2 to 8.

    Returns:
        float16, shape ``[kv_heads, 1, e]``. Rows that come later and reach further are clipped.

    >>> channel_scales([[[127.0, -31.75], [0.0, 63.5]]]).tolist()  # one head, two rows
    [[[1.0, 0.5]]]
    """
    array = np.abs(check_array("rows", rows, shape=(None, None, None), keep_float32=True))
    highest = array.max(axis=tuple(range(array.ndim - 3)))
    return _scales(highest.max(axis=-2, keepdims=True), _top(bits))


@dataclass(frozen=True, eq=False)
class RoundedCache:
    """A layer's cache in few bits, which takes the place of an ``attention.KeyValueCache``.

    Args:
        key_rows: Of all positions so far.
        value_rows: Of the same positions.
    """

    key_rows: RoundedRows
    value_rows: RoundedRows

    @property
    def keys(self) -> NDArray[np.float32]:
        """What the keys' integers stand for, shape ``[..., kv_heads, positions, e]``."""
        return self.key_rows.numbers

    @property
    def values(self) -> NDArray[np.float32]:
        """What the values' integers stand for, in the shape of ``keys``."""
        return self.value_rows.numbers

    @property
    def positions(self) -> int:
        """Number of positions."""
        return int(self.key_rows.codes.shape[-2])

    @property
    def size_bytes(self) -> int:
        """Bytes that keys and values take, with their scales."""
        return self.key_rows.size_bytes + self.value_rows.size_bytes

    def grown(self, keys: ArrayLike, values: ArrayLike) -> RoundedCache:
        """Return a cache that has the rows of new positions as well, rounded.

        Args:
            keys: Shape ``[..., kv_heads, n, e]``.
            values: The shape of ``keys``.

        Raises:
            ValueError: They don't fit the cache.
        """
        for name, new, own in (("keys", keys, self.key_rows), ("values", values, self.value_rows)):
            check_fits(name, new, own.codes)
        return RoundedCache(self.key_rows.grown(keys), self.value_rows.grown(values))


def rounded_cache(
    shape: TransformerShape,
    *,
    batch: int = 1,
    bits: int = 8,
    scales: Sequence[tuple[ArrayLike, ArrayLike]] | None = None,
) -> tuple[RoundedCache, ...]:
    """Return an empty cache in few bits, with which ``transformer.forward`` can start.

    Args:
        shape: The decoder.
        batch: Number of sequences.
        bits: From 2 to 8.
        scales: Per layer, the keys' and the values' ``channel_scales``; by default each token and
            head has scales of its own.

    Returns:
        One cache per layer.

    Raises:
        ValueError: A number is out of range, or the scales don't fit.

    >>> shape = TransformerShape(
    ...     layers=1, width=8, heads=4, kv_heads=2, hidden=16, vocabulary=50, context=32
    ... )
    >>> from deployworkbook.formulas.transformer import forward, random_weights
    >>> weights = random_weights(shape)
    >>> (whole,) = forward(shape, weights, [[7, 3, 9]]).cache
    >>> (small,) = forward(shape, weights, [[7, 3, 9]], cache=rounded_cache(shape)).cache
    >>> whole.size_bytes, small.size_bytes  # 24 numbers, in 6 rows for the keys, 6 for the values
    (96, 48)
    """
    sizes = (check_integer("batch", batch, 1), shape.kv_heads, 1, shape.head_width)
    if scales is not None and len(scales) != shape.layers:
        raise value_error(
            "scales", received=f"{len(scales)} layers", expected=f"{shape.layers} layers"
        )
    pairs = scales if scales is not None else [(None, None)] * shape.layers
    return tuple(RoundedCache(*(_empty_rows(sizes, bits, each) for each in pair)) for pair in pairs)


def _empty_rows(sizes: tuple[int, ...], bits: int, scales: ArrayLike | None) -> RoundedRows:
    one = round_rows(np.zeros(sizes, np.float32), bits=bits, scales=scales)
    codes = one.codes[..., :0, :]
    if one.by_channel:
        return replace(one, codes=codes)
    return replace(one, codes=codes, scales=one.scales[..., :0, :])


def _top(bits: int) -> int:
    """Return the largest code."""
    return (1 << check_integer("bits", bits, 2, 8) - 1) - 1


def _scales(highest: ArrayLike, top: int) -> NDArray[np.float16]:
    steps = np.maximum(np.asarray(highest) / top, LEAST_SCALE)
    return np.minimum(steps, np.finfo(np.float16).max).astype(np.float16)
