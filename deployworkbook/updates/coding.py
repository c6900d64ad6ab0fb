"""Ways to write a new file by what is already there, so that a compressor finds little to say.

A few weights that move by a little leave most bytes equal, or equal in their high bytes. Each
coding below turns a pair of files into bytes that are mostly zero; ``shuffled`` then brings the
bytes of equal rank together, which zstandard compresses best.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

# Recorded in patch files: numbers are added, never changed.
WHOLE, DICTIONARY, XOR, DIFFERENCE, INTEGERS = range(5)
METHOD_NAMES = {
    WHOLE: "whole file",
    DICTIONARY: "old file as dictionary",
    XOR: "XOR",
    DIFFERENCE: "byte difference",
    INTEGERS: "integer difference",
}
WIDTHS = (1, 2, 4)


@dataclass(frozen=True)
class Coding:
    """How a patch describes the new bytes.

    Args:
        method: One of ``METHOD_NAMES``.
        width: Bytes per element, by which bytes are shuffled: 1, 2 or 4.
    """

    method: int
    width: int = 1

    def __str__(self) -> str:
        name = METHOD_NAMES[self.method]
        return name if self.width == 1 else f"{name}, shuffled by {self.width}"

    @property
    def is_known(self) -> bool:
        """Whether this version of the workbook can read it."""
        return self.method in METHOD_NAMES and self.width in WIDTHS


# For equal sizes the first one wins. A shuffled whole file helps floats, whose high bytes repeat.
CODINGS = (
    *(Coding(XOR, width) for width in WIDTHS),
    *(Coding(DIFFERENCE, width) for width in WIDTHS),
    *(Coding(INTEGERS, width) for width in WIDTHS[1:]),
    Coding(DICTIONARY),
    *(Coding(WHOLE, width) for width in WIDTHS),
)


def encoded(old: bytes, new: bytes, coding: Coding) -> bytes:
    """Describe new bytes by the old ones; ``decoded`` is its inverse.

    Args:
        old: The bytes at the same place of the old file; they may be fewer or more.
        new: The bytes to describe.
        coding: How.

    >>> encoded(b"weights", b"weighty", Coding(XOR)).hex()
    '0000000000000a'
    """
    if coding.method == DICTIONARY:
        return new
    size = padded_bytes(len(new), coding.width)
    before, after = _padded(old, size), _padded(new, size)
    if coding.method == XOR:
        after = after ^ before
    elif coding.method == DIFFERENCE:
        after = after - before
    elif coding.method == INTEGERS:
        kind = f"<u{coding.width}"
        after = _folded(after.view(kind) - before.view(kind)).view(np.uint8)
    return after.reshape(-1, coding.width).T.tobytes()


def decoded(old: bytes, content: bytes, coding: Coding, size_bytes: int) -> bytes:
    """Return the new bytes from their description.

    Args:
        old: As in ``encoded``.
        content: Its result.
        coding: How it was made.
        size_bytes: Number of the new bytes.

    >>> coding = Coding(INTEGERS, 4)
    >>> decoded(b"weights", encoded(b"weights", b"updates!", coding), coding, 8)
    b'updates!'
    """
    if coding.method == DICTIONARY:
        return content
    after = np.frombuffer(content, np.uint8).reshape(coding.width, -1).T.copy().ravel()
    before = _padded(old, len(after))
    if coding.method == XOR:
        after = after ^ before
    elif coding.method == DIFFERENCE:
        after = after + before
    elif coding.method == INTEGERS:
        kind = f"<u{coding.width}"
        after = (_unfolded(after.view(kind)) + before.view(kind)).view(np.uint8)
    return after.tobytes()[:size_bytes]


def padded_bytes(size_bytes: int, width: int) -> int:
    """Return a size rounded up to whole elements."""
    return -(-size_bytes // width) * width


def _padded(content: bytes, size: int) -> Bytes:
    """Cut bytes to a size, or lengthen them by zeros."""
    result = np.zeros(size, np.uint8)
    known = np.frombuffer(content[:size], np.uint8)
    result[: len(known)] = known
    return result


def _folded(differences: NDArray[Any]) -> NDArray[Any]:
    """Number 0, -1, 1, -2, 2 … as 0, 1, 2, 3, 4 …, so that small ones have high bytes of zero."""
    bits = differences.dtype.itemsize * 8
    folded: NDArray[Any] = (differences << 1) ^ (0 - (differences >> (bits - 1)))
    return folded


def _unfolded(numbers: NDArray[Any]) -> NDArray[Any]:
    unfolded: NDArray[Any] = (numbers >> 1) ^ (0 - (numbers & 1))
    return unfolded
