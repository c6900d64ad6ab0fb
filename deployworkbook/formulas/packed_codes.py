"""Codes of few bits packed into bytes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array, check_integer, check_number


def packed_bytes(count: int, *, bits: int) -> int:
    """Return how many bytes packed codes take.

        ⌈n b / 8⌉

    Args:
        count: n, number of codes.
        bits: b, bits per code.

    >>> packed_bytes(3, bits=4)
    2
    """
    return -(-check_integer("count", count, 0) * check_integer("bits", bits, 1, 8) // 8)


def pack_codes(codes: ArrayLike, *, bits: int) -> NDArray[np.uint8]:
    """Pack codes into bytes, the first code into the lowest bits.

    With 4 bits a byte holds two codes: first + 16 · second. So ONNX Runtime's ``MatMulNBits`` takes
    the codes and the zero points of ``block_quantization.BlockQuantized``.

    Args:
        codes: Integers from 0 to 2^bits - 1, shape ``[..., n]``.
        bits: From 1 to 8.

    Returns:
        uint8, shape ``[..., ⌈n · bits / 8⌉]``; unused bits are 0.

    Raises:
        ValueError: A code is out of range.

    >>> pack_codes([1, 2, 15], bits=4)  # 1 + 16 · 2, and 15
    array([33, 15], dtype=uint8)
    """
    width = check_integer("bits", bits, 1, 8)
    values = check_array("codes", codes, shape=(None,), low=0)
    check_number("codes", values.max(), 0, (1 << width) - 1)
    small = values.astype(np.uint8)
    if 8 % width == 0:  # whole codes in each byte: no need to take them apart
        empty = np.zeros((*small.shape[:-1], -small.shape[-1] % (8 // width)), np.uint8)
        full = np.concatenate([small, empty], axis=-1) if empty.size else small
        packed = full[..., :: 8 // width].copy()
        for place in range(1, 8 // width):
            codes_there = full[..., place :: 8 // width]
            packed |= codes_there << np.uint8(place * width)
        return packed
    flags = small[..., None] >> np.arange(width, dtype=np.uint8) & 1
    return np.packbits(flags.reshape(*values.shape[:-1], -1), axis=-1, bitorder="little")


def unpack_codes(packed: ArrayLike, *, bits: int, count: int) -> NDArray[np.uint8]:
    """Take codes out of bytes again: the inverse of ``pack_codes``.

    Args:
        packed: uint8, shape ``[..., bytes]``.
        bits: Bits per code, from 1 to 8.
        count: n, codes per row.

    Returns:
        uint8, shape ``[..., n]``.

    Raises:
        ValueError: There are fewer codes.

    >>> unpack_codes([33, 15], bits=4, count=3)
    array([ 1,  2, 15], dtype=uint8)
    """
    width = check_integer("bits", bits, 1, 8)
    array = check_array("packed", packed, shape=(None,), low=0).astype(np.uint8)
    n = check_integer("count", count, 1, 8 * array.shape[-1] // width)
    flat = np.unpackbits(array, axis=-1, count=n * width, bitorder="little")
    flags = flat.reshape(*array.shape[:-1], n, width)
    return np.asarray(np.packbits(flags, axis=-1, bitorder="little")[..., 0])
