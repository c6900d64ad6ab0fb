"""What a coder may expect of the next weights, from those that it has coded already.

Most weights of a pruned layer are 0, and the others are not spread evenly. They stand where pixels
are lit, next to each other, with the sign of their neighbours. The encoder counts as it goes, in
some contexts apart; the decoder sees the same weights in the same order, counts alike, and needs no
table in the file.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.coded_lanes import TOTAL
from deployworkbook.formulas.entropy_coding import scaled_frequencies

Integers = NDArray[np.int64]

# Bounds between contexts: share of nonzero weights among a row's neighbours, in 1/1024.
SHARES = np.array([3, 8, 15, 30, 50, 80, 125, 180, 260, 360, 500])
# So that rare symbols can become frequent elsewhere: counts are halved from this sum on.
MEMORY = 4000
# Counts become frequencies once in so many rows, since that takes longer than decoding a row.
REFRESHED_AFTER = 4


class Counts:
    """Adaptive frequencies: one row of counts for each context.

    Args:
        prior: What each symbol has been counted as before the first one, shape ``[contexts, K]``.
        step: What each occurrence adds.
    """

    def __init__(self, prior: Integers, step: int) -> None:
        self._counts = prior.copy()
        self._step, self._symbols = step, prior.shape[1]
        self._refresh()

    def widths(self, contexts: Integers, symbols: Integers) -> tuple[Integers, Integers]:
        """Return start and frequency of a symbol in each lane."""
        places = contexts * self._symbols + symbols
        return self._starts.ravel()[places], self._frequencies.ravel()[places]

    def symbols(self, contexts: Integers, slots: Integers) -> Integers:
        """Return the symbol that a slot lies in, for each lane."""
        if self._symbols == 2:
            found: Integers = (slots >= self._starts[contexts, 1]).astype(np.int64)
        else:
            found = (slots[:, None] >= self._starts[contexts, 1:]).sum(axis=1)
        return found

    def see(self, contexts: Integers, symbols: Integers) -> None:
        """Count what has occurred."""
        places = contexts * self._symbols + symbols
        seen = np.bincount(places, minlength=self._counts.size)
        self._counts += self._step * seen.reshape(self._counts.shape)
        self._unseen += 1
        if self._unseen == REFRESHED_AFTER:
            self._refresh()

    def _refresh(self) -> None:
        self._unseen = 0
        large = self._counts.sum(axis=1) > MEMORY * self._step
        self._counts[large] -= self._counts[large] >> 1
        self._frequencies = scaled_frequencies(self._counts, TOTAL)
        self._starts = np.cumsum(self._frequencies, axis=1) - self._frequencies


class Contexts:
    """The contexts of one kernel, whose weights become known a row at a time.

    Args:
        rows: Steps; of a layer that sees an image these are the pixels, row by row.
        lanes: Weights in each step.
        side: Width of the image; ``None`` where rows are not pixels.
    """

    NEIGHBOURS = 7
    SIGNS = 3
    SIZES = 4

    def __init__(self, rows: int, lanes: int, side: int | None) -> None:
        self._side, self._lanes = side, lanes
        # A frame of zeros around the image, so that each pixel has neighbours.
        self._stride = 1 if side is None else side + 2
        places = np.arange(rows)
        if side is None:
            self._place = places + 2
        else:
            self._place = (places // side + 1) * self._stride + places % side + 1
        known = int(self._place[-1]) + self._stride + 2
        # Sums of few small numbers: bytes are enough, and keep decoding within its budget.
        self._flags = np.zeros((known, lanes), np.int8)
        self._values = np.zeros((known, lanes), np.int8)
        self._sums = np.zeros(known, np.int64)

    @property
    def flag_prior(self) -> Integers:
        """How often weights are 0 or not in each context, before any is seen.

        The middle of each range of ``SHARES``, in 1/1024, times a percentage for how many
        neighbours are nonzero. Chosen by trial; the file's size depends on these numbers, so other
        ones need another version of the format.
        """
        shares = np.array([1, 5, 11, 22, 40, 65, 100, 150, 220, 310, 430, 600])
        near = np.array([60, 80, 100, 125, 150, 175, 200])
        ones = np.clip(shares[:, None] * near // 100, 2, 900).reshape(-1)
        return np.stack([1024 - ones, ones], axis=1) // 64 + 1

    def flags(self, row: int) -> Integers:
        """Say in which context each lane's flag stands: is its weight other than 0?"""
        at = self._place[row]
        if self._side is None:
            before = self._flags[at - 1] + self._flags[at - 2]
            own, total = 3 * before, 3 * (self._sums[at - 1] + self._sums[at - 2])
        else:
            up = at - self._stride
            flags, sums = self._flags, self._sums
            own = 2 * (flags[at - 1] + flags[up]) + flags[up - 1] + flags[up + 1]
            total = 2 * (sums[at - 1] + sums[up]) + sums[up - 1] + sums[up + 1]
        share = np.searchsorted(SHARES, 1024 * total // (6 * self._lanes), side="right")
        context: Integers = share * self.NEIGHBOURS + own
        return context

    def values(self, row: int) -> Integers:
        """Say in which context each lane's value stands, if it is other than 0."""
        at = self._place[row]
        up = at - self._stride
        near = self._values[at - 1] + self._values[up]
        wide = 0 if self._side is None else self._values[up - 1] + self._values[up + 1]
        size = np.abs(self._values[at - 1]) + np.abs(self._values[up])
        size = np.searchsorted([1, 3, 6], size, side="right")
        context: Integers = (np.sign(2 * near + wide) + 1) * self.SIZES + size
        return context

    def put(self, row: int, weights: Integers) -> None:
        """Make a row known."""
        at = self._place[row]
        self._values[at] = weights
        self._flags[at] = weights != 0
        self._sums[at] = self._flags[at].sum()
