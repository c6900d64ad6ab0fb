"""A small vocabulary: bytes, and the pieces of text that byte-pair encoding joins from them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from deployworkbook.validation import check_integer, value_error

BYTES = 256

# Nothing is joined across these: words, numbers, signs, and a line's end with its indentation.
_PIECE = re.compile(rb" ?[A-Za-z_]+| ?[0-9]+|\n *| ?[^A-Za-z_0-9\s]+|\s")

Pair = tuple[int, int]


class Vocabulary:
    """Tokens and the bytes they stand for: first the 256 bytes, then pairs of earlier tokens.

    Args:
        merges: Pairs of tokens, in the order in which they were joined; the first becomes token
            256.

    Raises:
        ValueError: A pair refers to a token that doesn't exist yet.

    >>> vocabulary = Vocabulary([(ord("a"), ord("b")), (256, ord("c"))])
    >>> vocabulary.encode(b"abcab").tolist()
    [257, 256]
    >>> vocabulary.decode([257, 256])
    b'abcab'
    """

    def __init__(self, merges: Iterable[Sequence[int]]) -> None:
        self.tokens: list[bytes] = [bytes([byte]) for byte in range(BYTES)]
        self.merges: list[Pair] = []
        for first, second in merges:
            if not 0 <= min(first, second) <= max(first, second) < len(self.tokens):
                raise value_error(
                    "merges",
                    received=f"the pair {(int(first), int(second))}",
                    expected=f"tokens below {len(self.tokens)}, which exist by then",
                )
            self.merges.append((int(first), int(second)))
            self.tokens.append(self.tokens[first] + self.tokens[second])
        self._numbers = {pair: BYTES + place for place, pair in enumerate(self.merges)}
        self._known: dict[bytes, list[int]] = {}

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Bytes per token, shape ``[len(vocabulary)]``."""
        return np.array([len(token) for token in self.tokens])

    def encode(self, text: bytes) -> NDArray[np.int64]:
        """Return a text's tokens, joining pairs in the order in which they were learned."""
        found: list[int] = []
        for piece in _PIECE.findall(text):
            if piece not in self._known:
                self._known[piece] = self._encoded(piece)
            found += self._known[piece]
        return np.array(found, np.int64)

    def decode(self, tokens: Iterable[int]) -> bytes:
        """Return the bytes that tokens stand for."""
        return b"".join(self.tokens[token] for token in tokens)

    def _encoded(self, piece: bytes) -> list[int]:
        parts = list(piece)
        while len(parts) > 1:
            pairs = pairwise(parts)
            number = min(self._numbers.get(pair, len(self)) for pair in pairs)
            if number == len(self):
                break
            parts = _joined(parts, self.merges[number - BYTES], number)
        return parts


def learn_vocabulary(text: bytes, size: int) -> Vocabulary:
    """Join the most frequent pair of neighbouring tokens, again and again.

    Args:
        text: Text to learn from.
        size: Number of tokens, at least the 256 bytes; fewer if the text has no more pairs.

    Returns:
        The vocabulary; equal texts give equal ones.

    Raises:
        ValueError: ``size`` is too small.

    Source: R. Sennrich, B. Haddow and A. Birch, "Neural machine translation of rare words with
    subword units", ACL 2016.

    >>> learn_vocabulary(b"hug hugs hug bug", size=259).tokens[256:]
    [b'ug', b'hug', b' hug']
    """
    check_integer("size", size, BYTES)
    pieces = Counter(_PIECE.findall(text))
    parts, times = [list(piece) for piece in pieces], list(pieces.values())
    counts: Counter[Pair] = Counter()
    places: defaultdict[Pair, set[int]] = defaultdict(set)
    for place, tokens in enumerate(parts):
        for pair in pairwise(tokens):
            counts[pair] += times[place]
            places[pair].add(place)
    merges: list[Pair] = []
    while len(merges) < size - BYTES and counts:
        most = max(counts.values())
        if most <= 0:
            break
        # Of equally frequent pairs, the smallest.
        best = min(pair for pair, count in counts.items() if count == most)
        for place in places.pop(best):
            tokens = parts[place]
            for pair in pairwise(tokens):
                counts[pair] -= times[place]
            parts[place] = _joined(tokens, best, BYTES + len(merges))
            for pair in pairwise(parts[place]):
                counts[pair] += times[place]
                places[pair].add(place)
        merges.append(best)
        del counts[best]
        if len(merges) % 16 == 0:
            counts = Counter({pair: count for pair, count in counts.items() if count > 0})
    return Vocabulary(merges)


def _joined(tokens: list[int], pair: Pair, number: int) -> list[int]:
    joined: list[int] = []
    place = 0
    while place < len(tokens):
        if tuple(tokens[place : place + 2]) == pair:
            joined.append(number)
            place += 2
        else:
            joined.append(tokens[place])
            place += 1
    return joined
