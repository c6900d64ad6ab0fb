"""Entropy coding: a message as one whole number, of hardly more bits than its entropy.

A frequent symbol should cost little, a rare one more: −log₂ p bits. A zip file spends whole bits on
each symbol, so that even a symbol of probability 0.97 costs 1 bit instead of 0.04. Here symbols
share bits. The message is a number, and each symbol multiplies it by 1 / p.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array, check_integer, value_error


def whole_frequencies(counts: ArrayLike, *, total: int = 4096) -> NDArray[np.int64]:
    """Turn counts into whole frequencies of a fixed sum, none of them 0.

        f_v = 1 + ⌊n_v (M − K) / Σ n⌋, and what is left goes to the most frequent symbol

    Whole numbers, since the decoder must come to exactly the same ones on another machine.

    Args:
        counts: n, not negative, shape ``[..., K]``; each row is a distribution of its own.
        total: M, at least K.

    Returns:
        f, of the counts' shape; each row sums to M.

    Raises:
        TypeError: The counts are not whole numbers.
        ValueError: A count is negative, or there are more symbols than ``total``.

    >>> whole_frequencies([6, 1, 1, 0], total=16)
    array([11,  2,  2,  1])
    """
    n = check_array("counts", counts, finite=True)
    if n.size == 0 or (n < 0).any() or (n != np.floor(n)).any():
        raise value_error("counts", received=str(counts), expected="whole numbers from 0")
    symbols = n.shape[-1]
    check_integer("total", total, symbols)
    return scaled_frequencies(n.astype(np.int64), total)


def scaled_frequencies(counts: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """Do what ``whole_frequencies`` does, without checks: decoders call it for every step.

    Args:
        counts: Shape ``[..., K]``.
        total: M.

    >>> scaled_frequencies(np.array([[3, 1]]), 4)
    array([[3, 1]])
    """
    sums = np.maximum(counts.sum(axis=-1, keepdims=True), 1)
    frequencies: NDArray[np.int64] = 1 + counts * (total - counts.shape[-1]) // sums
    most = frequencies.argmax(axis=-1)[..., None]
    left = total - frequencies.sum(axis=-1, keepdims=True)
    np.put_along_axis(frequencies, most, np.take_along_axis(frequencies, most, -1) + left, -1)
    return frequencies


def encode(symbols: Sequence[int], frequencies: Sequence[int]) -> int:
    """Write a message as one number.

        x ← ⌊x / f⌋ M + c + x mod f,  M = Σ f,  c = Σ of the frequencies before it

    The last symbol goes first, so that the decoder begins with the first.

    Args:
        symbols: The message; each is a place in ``frequencies``.
        frequencies: Whole numbers, one per symbol.

    Raises:
        TypeError: A symbol or a frequency is not a whole number.
        ValueError: A symbol has no frequency, or the frequency 0.

    Source: J. Duda, "Asymmetric numeral systems", 2013.

    >>> encode([0, 1, 0, 0], [3, 1])  # 0, 0, then 3, then (3 / 3) · 4
    4
    """
    widths, starts, total = _table(frequencies)
    number = 0
    for symbol in reversed(symbols):
        place = check_integer("symbol", symbol, 0, len(widths) - 1)
        if widths[place] == 0:
            raise value_error(f"symbol {place}", received="frequency 0", expected="at least 1")
        quotient, rest = divmod(number, widths[place])
        number = quotient * total + starts[place] + rest
    return number


def decode(number: int, length: int, frequencies: Sequence[int]) -> list[int]:
    """Read a message back from its number.

        the symbol is the one with c ≤ x mod M < c + f;  x ← f ⌊x / M⌋ + x mod M − c

    Args:
        number: What ``encode`` returned.
        length: How many symbols the message has.
        frequencies: The same as for ``encode``.

    Raises:
        ValueError: The number is not that of a message of this length.

    >>> decode(4, 4, [3, 1])
    [0, 1, 0, 0]
    """
    widths, starts, total = _table(frequencies)
    symbol_of = [place for place, width in enumerate(widths) for _ in range(width)]
    rest, message = check_integer("number", number, 0), []
    for _ in range(check_integer("length", length, 0)):
        quotient, slot = divmod(rest, total)
        symbol = symbol_of[slot]
        rest = widths[symbol] * quotient + slot - starts[symbol]
        message.append(symbol)
    if rest:
        raise value_error("number", received=str(number), expected=f"one of {length} symbols")
    return message


def _table(frequencies: Sequence[int]) -> tuple[list[int], list[int], int]:
    # Python's own whole numbers, which have no limit.
    widths = [check_integer("frequency", each, 0) for each in frequencies]
    if sum(widths) == 0:
        raise value_error("frequencies", received=str(list(frequencies)), expected="a positive sum")
    starts = [sum(widths[:place]) for place in range(len(widths))]
    return widths, starts, sum(widths)
