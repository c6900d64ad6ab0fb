"""Arrays of numbers in large JSON documents, and the memory that a JSON text needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.serving.embedded.budget import Account

Array = NDArray[Any]
Decode = Callable[[bytes], Any]

# Bytes per Python object on a 64-bit machine: a list with its first elements, a dictionary, a
# number with its reference, a string's header.
_LIST_BYTES, DICT_BYTES, _NUMBER_BYTES, _STRING_BYTES = 128, 288, 48, 64
# Outside ASCII, a string can take four bytes per character.
_WIDEST = 4


@dataclass(frozen=True)
class Numbers:
    """A regular JSON array of numbers, and the text it was read from.

    Args:
        array: Its values: 64-bit integers if all are whole, else doubles.
        text: The request's body.
        start: Where the array starts in it.
        end: Where the array ends.
        decode: Parses a piece of JSON.
        account: The request's memory.
    """

    array: Array
    text: bytes = field(repr=False)
    start: int
    end: int
    decode: Decode = field(repr=False)
    account: Account = field(repr=False)

    def plain(self) -> list[Any]:
        """Parse the array again, as lists of Python numbers.

        Raises:
            ServingError: The lists take too much memory.
        """
        piece = self.text[self.start : self.end]
        self.account.reserve(decoded_bytes(piece), "the document")
        values: list[Any] = self.decode(piece)
        return values

    def head(self) -> Any:
        """Return its first numbers, for an error message."""
        return self.array[(slice(128),) * self.array.ndim].tolist()


def plain(value: Any) -> Any:
    """Return a JSON value as Python's parser would."""
    return value.plain() if isinstance(value, Numbers) else value


def decoded_bytes(text: bytes) -> int:
    """Return an upper bound for the memory of a JSON text and the Python objects parsed from it.

    >>> decoded_bytes(b"[[], []]") > 3 * 56
    True
    """
    quotes = text.count(b'"')
    width = 1 if text.isascii() else _WIDEST
    # Strings: the text, the strings, and three more copies where they are base64.
    copies = (2 * width + 3) if quotes else width + 1
    return (
        copies * len(text)
        + _LIST_BYTES * text.count(b"[")
        + DICT_BYTES * text.count(b"{")
        + _NUMBER_BYTES * (text.count(b",") + text.count(b":") + 1)
        + _STRING_BYTES * (quotes // 2)
    )


def flattened(value: Any) -> tuple[tuple[int, ...], list[Any]] | None:
    """Return the shape and the values of nested lists; ``None`` if their lengths differ.

    >>> flattened([[1, 2], [3, 4]])
    ((2, 2), [1, 2, 3, 4])
    """
    shape = dense_shape(value)
    flat = [value]
    for size in shape:
        if {*map(type, flat)} != {list} or {*map(len, flat)} != {size}:
            return None
        flat = flat[0] if len(flat) == 1 else list(chain.from_iterable(flat))
    return shape, flat


def dense_shape(value: Any) -> tuple[int, ...]:
    """Return the shape that nested lists have if each is as long as the first on its level.

    >>> dense_shape([[1, 2], [3]]), dense_shape(1)
    ((2, 2), ())
    """
    shape: list[int] = []
    while isinstance(value, list):
        shape.append(len(value))
        if not value:
            break
        value = value[0]
    return tuple(shape)


def array_of(values: list[Any]) -> Array | None:
    """Convert lists of numbers to an array without rounding integers; ``None`` if impossible.

    >>> array_of([[1, 2], [3, 2**62 + 1]]).dtype, array_of([1, True])
    (dtype('int64'), None)
    """
    found = flattened(values)
    if found is None:
        return None
    shape, flat = found
    kinds = set(map(type, flat))
    if len(shape) > 32 or not kinds <= {int, float}:
        return None
    for dtype in (np.float64,) if float in kinds else (np.int64, np.uint64):
        try:
            return np.array(flat, dtype).reshape(shape)
        except OverflowError:
            continue
    return None
