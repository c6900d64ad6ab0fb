"""Entropy coding in lanes: many numbers at once, each kept small, so that NumPy decodes quickly.

``entropy_coding`` turns a message into one number, which grows without limit. Here each lane has a
number of 32 bits. When a push would overflow it, its lower 16 bits move to a list of words that all
lanes share, and the decoder takes them back at the same place. A step handles one symbol of every
lane, so 100,000 symbols in 128 lanes are 800 steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployworkbook.validation import check_integer, value_error

PRECISION_BITS = 12
TOTAL = 2**PRECISION_BITS
WORD_BITS = 16
# A lane's number lies from 2^16 to below 2^32 between two symbols.
LOWEST = 2**WORD_BITS


@dataclass(frozen=True, eq=False)
class Step:
    """One symbol for each of some lanes.

    Args:
        lanes: Which lanes, each at most once.
        starts: c of each symbol: the sum of the frequencies before it.
        frequencies: f of each symbol, from 1, out of ``TOTAL``.
    """

    lanes: NDArray[np.int64]
    starts: NDArray[np.int64]
    frequencies: NDArray[np.int64]


def encode_lanes(steps: Sequence[Step], carried: NDArray[np.int64]) -> bytes:
    """Write the symbols of some lanes.

    A lane's number must begin somewhere from 2^16 to 2^17 - 1. Where it begins makes hardly any
    difference to its length, so the choice can carry 16 bits that need no room of their own.

    Args:
        steps: In the order in which they will be decoded.
        carried: 16 bits for each lane, which ``LaneDecoder.close`` gives back.

    Returns:
        The lanes' last numbers, 4 bytes each, then the words of 2 bytes.

    Raises:
        IndexError: A step has a lane that is not there.
        ValueError: A frequency is out of range, or something carried needs more than 16 bits.

    Source: F. Giesen, "Interleaved entropy coders", 2014.

    >>> coin = Step(np.array([0, 1]), np.array([0, 2048]), np.array([2048, 2048]))
    >>> len(encode_lanes([coin] * 32, np.array([7, 9])))  # 64 bits of symbols, 8 bytes
    16
    """
    if (carried < 0).any() or (carried >= LOWEST).any():
        raise value_error("carried", received=str(carried), expected="whole numbers below 2^16")
    numbers = LOWEST + carried.astype(np.int64)
    words = []
    for step in reversed(steps):
        frequencies = step.frequencies
        if (frequencies < 1).any() or (step.starts + frequencies > TOTAL).any():
            received, expected = str(frequencies), f"from 1, and within {TOTAL} with its start"
            raise value_error("frequencies", received=received, expected=expected)
        chosen = numbers[step.lanes]
        full = chosen >= frequencies << (2 * WORD_BITS - PRECISION_BITS)
        words.append((chosen[full] & (LOWEST - 1)).astype("<u2"))
        chosen[full] >>= WORD_BITS
        quotient, rest = np.divmod(chosen, frequencies)
        numbers[step.lanes] = (quotient << PRECISION_BITS) + step.starts + rest
    parts: list[bytes] = [each.tobytes() for each in (numbers.astype("<u4"), *reversed(words))]
    return b"".join(parts)


class LaneDecoder:
    """Reads what ``encode_lanes`` wrote, a step at a time.

    Args:
        content: The bytes.
        lanes: How many lanes there are.

    Raises:
        ValueError: The bytes are not those of so many lanes.

    >>> both = np.array([0, 1])
    >>> coin = Step(both, np.array([0, 2048]), np.array([2048, 2048]))
    >>> decoder = LaneDecoder(encode_lanes([coin], np.array([7, 9])), 2)
    >>> decoder.slots(both) // 2048
    array([0, 1])
    >>> decoder.advance(coin)
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

    def slots(self, lanes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where in the frequencies each lane points: c ≤ slot < c + f.

        Args:
            lanes: Which lanes.
        """
        slots: NDArray[np.int64] = self._numbers[lanes] & (TOTAL - 1)
        return slots

    def advance(self, step: Step) -> None:
        """Take the symbols that the slots named out of their lanes.

        Args:
            step: As it was encoded.

        Raises:
            ValueError: The words have come to an end.
        """
        chosen = self._numbers[step.lanes]
        chosen = step.frequencies * (chosen >> PRECISION_BITS) + (chosen & (TOTAL - 1))
        chosen -= step.starts
        low = np.flatnonzero(chosen < LOWEST)
        if len(low):
            end = self._next + len(low)
            if end > len(self._words):
                raise value_error("content", received="too few words", expected="at least one more")
            chosen[low] = (chosen[low] << WORD_BITS) | self._words[self._next : end]
            self._next = end
        self._numbers[step.lanes] = chosen

    def close(self) -> NDArray[np.int64]:
        """Return what the lanes carried, after the last symbol.

        Raises:
            ValueError: Words are left over, or a lane isn't back where a lane begins.
        """
        carried: NDArray[np.int64] = self._numbers - LOWEST
        if self._next != len(self._words) or (carried >= LOWEST).any():
            raise value_error(
                "content", received="an end that does not fit", expected="lanes back at the start"
            )
        return carried
