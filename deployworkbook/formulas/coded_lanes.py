"""Entropy coding in lanes: many numbers at once, each kept small, so that NumPy decodes quickly.

``entropy_coding`` turns a message into one number, which grows without limit. Here each lane has a
number of 32 bits. When a push would overflow it, its lower 16 bits move to a list of words that all
lanes share, and the decoder takes them back at the same place. A step handles one symbol of every
lane, so 100,000 symbols in 128 lanes are 800 steps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deployworkbook.validation import check_integer, value_error

PRECISION_BITS = 12
TOTAL = 2**PRECISION_BITS
WORD_BITS = 16
# A lane's number lies from 2^16 to below 2^32 between two symbols.
LOWEST = 2**WORD_BITS


def encode_lanes(
    starts: Sequence[NDArray[np.int64]],
    frequencies: Sequence[NDArray[np.int64]],
    carried: NDArray[np.int64],
) -> bytes:
    """Write the symbols of some lanes, step by step.

    A lane's number must begin somewhere from 2^16 to 2^17 - 1. Where it begins makes hardly any
    difference to its length, so the choice can carry 16 bits that need no room of their own.

    Args:
        starts: For each step, c of the symbol in each lane: the sum of the frequencies before it.
            A step may have fewer symbols than lanes; it then uses the first ones.
        frequencies: For each step, f of the same symbols, out of ``TOTAL``.
        carried: 16 bits for each lane, which ``LaneDecoder.close`` gives back.

    Returns:
        The lanes' last numbers, 4 bytes each, then the words of 2 bytes.

    Raises:
        ValueError: A frequency is out of range, a step has more symbols than there are lanes, or
            something carried needs more than 16 bits.

    Source: F. Giesen, "Interleaved entropy coders", 2014.

    >>> half = [np.array([0, 2048]), np.array([2048, 2048])]
    >>> len(encode_lanes([half[0]] * 32, [half[1]] * 32, np.array([7, 9])))  # 64 bits of symbols
    16
    """
    if (carried < 0).any() or (carried >= LOWEST).any():
        raise value_error("carried", received=str(carried), expected="whole numbers below 2^16")
    numbers = LOWEST + carried.astype(np.int64)
    words = []
    for start, frequency in zip(reversed(starts), reversed(frequencies), strict=True):
        size = len(start)
        if size > len(numbers) or (frequency < 1).any() or (start + frequency > TOTAL).any():
            expected = f"at most {len(numbers)} symbols of frequencies from 1 to {TOTAL}"
            raise value_error("a step", received=f"{start} and {frequency}", expected=expected)
        lanes = numbers[:size]
        full = lanes >= frequency << (2 * WORD_BITS - PRECISION_BITS)
        words.append((lanes[full] & (LOWEST - 1)).astype("<u2"))
        lanes[full] >>= WORD_BITS
        quotient, rest = np.divmod(lanes, frequency)
        lanes[:] = (quotient << PRECISION_BITS) + start + rest
    return numbers.astype("<u4").tobytes() + b"".join(each.tobytes() for each in reversed(words))


class LaneDecoder:
    """Reads what ``encode_lanes`` wrote, a step at a time.

    Args:
        content: The bytes.
        lanes: How many lanes there are.

    Raises:
        ValueError: The bytes are not those of so many lanes.

    >>> coded = encode_lanes([np.array([0, 2048])], [np.array([2048, 2048])], np.array([7, 9]))
    >>> decoder = LaneDecoder(coded, 2)
    >>> decoder.slots(2) // 2048
    array([0, 1])
    >>> decoder.advance(np.array([0, 2048]), np.array([2048, 2048]))
    >>> decoder.close()
    array([7, 9])
    """

    def __init__(self, content: bytes, lanes: int) -> None:
        check_integer("lanes", lanes, 1)
        if len(content) < 4 * lanes or len(content) % 2:
            expected = f"{4 * lanes} for {lanes} lanes, then pairs"
            raise value_error("content", received=f"{len(content)} bytes", expected=expected)
        self._numbers = np.frombuffer(content, "<u4", lanes).astype(np.int64)
        self._words = np.frombuffer(content, "<u2", offset=4 * lanes).astype(np.int64)
        self._next = 0
        if (self._numbers < LOWEST).any():
            raise value_error("content", received="a lane below 2^16", expected="none")

    def slots(self, size: int) -> NDArray[np.int64]:
        """Return where in the frequencies each of the first lanes points: c ≤ slot < c + f.

        Args:
            size: How many lanes the step has.
        """
        return self._numbers[:size] & (TOTAL - 1)

    def advance(self, starts: NDArray[np.int64], frequencies: NDArray[np.int64]) -> None:
        """Take the symbols that the slots named out of the lanes.

        Args:
            starts: c of each symbol.
            frequencies: f of each symbol.

        Raises:
            ValueError: The words have come to an end.
        """
        lanes = self._numbers[: len(starts)]
        lanes[:] = frequencies * (lanes >> PRECISION_BITS) + (lanes & (TOTAL - 1)) - starts
        low = np.flatnonzero(lanes < LOWEST)
        end = self._next + len(low)
        if end > len(self._words):
            raise value_error("content", received="too few words", expected="one more at least")
        lanes[low] = (lanes[low] << WORD_BITS) | self._words[self._next : end]
        self._next = end

    def close(self) -> NDArray[np.int64]:
        """Return what the lanes carried, after the last symbol.

        Raises:
            ValueError: Words are left over, or a lane isn't back where a lane begins.
        """
        carried = self._numbers - LOWEST
        if self._next != len(self._words) or (carried >= LOWEST).any():
            raise value_error(
                "content", received="an end that does not fit", expected="lanes back at the start"
            )
        return carried
