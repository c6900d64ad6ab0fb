"""Decide which calls are so short that the event loop makes them itself.

Handing a call to a thread and its result back takes longer than many models do. But a call that
isn't short would make all other clients wait, so only calls that were short lately are made there.
"""

from __future__ import annotations

from collections.abc import Hashable

# About what the way to a thread and back takes while other requests are being answered.
SHORT_S = 250e-6
# A longer call counts at once, not only by its share in the mean.
LONG_S = 2e-3
# How many calls to measure before one may be made on the loop.
_FEW = 3
# How many kinds to remember; a model's own are few, but each loaded version has some.
_MOST_KINDS = 1000
_WEIGHT = 0.1


class Pace:
    """How long calls took lately, by kind.

    The mean of each kind is weighted exponentially. It jumps to the time of a long call, and comes
    down again while calls of that kind are made on threads.

    >>> pace = Pace()
    >>> pace.is_short("digits")
    False
    >>> for _ in range(3):
    ...     pace.took("digits", 50e-6)
    >>> pace.is_short("digits")
    True
    >>> pace.took("digits", 0.1)
    >>> pace.is_short("digits")
    False
    """

    def __init__(self) -> None:
        self._means_s: dict[Hashable, float] = {}
        self._counts: dict[Hashable, int] = {}

    def is_short(self, kind: Hashable) -> bool:
        """Return whether the next call of a kind should be short."""
        return self._counts.get(kind, 0) >= _FEW and self._means_s[kind] <= SHORT_S

    def took(self, kind: Hashable, seconds: float) -> None:
        """Note how long a call took."""
        if kind not in self._means_s and len(self._means_s) >= _MOST_KINDS:
            self._means_s.clear()
            self._counts.clear()
        mean = self._means_s.get(kind, seconds)
        if seconds >= LONG_S:
            self._means_s[kind] = max(mean, seconds)
        else:
            self._means_s[kind] = mean + _WEIGHT * (seconds - mean)
        self._counts[kind] = self._counts.get(kind, 0) + 1
