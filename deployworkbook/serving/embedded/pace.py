"""Decide which calls are so short that the event loop makes them itself.

Handing a call to a thread and its result back takes longer than many models do. But a call that
isn't short would make all other clients wait, so only calls that were short lately are made there.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Hashable

_OF_THREAD: int | None = None
with contextlib.suppress(ImportError, AttributeError):  # Windows, macOS
    import resource

    _OF_THREAD = resource.RUSAGE_THREAD

# What the way to a thread and back takes at least while other requests are being answered.
SHORT_S = 250e-6
# However long the way to a thread is, longer calls would make the others wait for too long.
LONGEST_S = 1e-3
# A longer call counts at once, not only by its share in the mean.
LONG_S = 5e-3
# How many calls to measure before one may be made on the loop.
_FEW = 3
# How many kinds to remember; a model's own are few, but each loaded version has some.
_MOST_KINDS = 1000
_WEIGHT = 0.1
# One in so many short calls is handed over, to measure what that takes now.
_MEASURED = 256


class Hop:
    """How long the way to a thread and back took lately, and so which calls are short.

    On a busy machine, both the way and the calls take longer than on an idle one.

    >>> hop = Hop()
    >>> hop.limit_s == SHORT_S
    True
    >>> for _ in range(100):
    ...     hop.took(600e-6)
    >>> round(hop.limit_s, 5)
    0.0006
    """

    def __init__(self) -> None:
        self.limit_s = SHORT_S
        self._mean_s = 0.0
        self._count = 0

    def took(self, seconds: float) -> None:
        """Note how long it took."""
        self._mean_s += _WEIGHT * (seconds - self._mean_s)
        self.limit_s = min(max(self._mean_s, SHORT_S), LONGEST_S)

    def is_to_be_measured(self) -> bool:
        """Return whether the next short call should be handed over all the same."""
        self._count += 1
        return self._count % _MEASURED == 0


class Stopwatch:
    """Time a call, without the time in which other programs took the processor away from it."""

    def __init__(self) -> None:
        self._before = _used()
        self._wall_s = time.perf_counter()

    def seconds(self) -> float:
        """Return how long the call has taken."""
        wall_s = time.perf_counter() - self._wall_s
        own_s, losses = _used()
        return wall_s if losses == self._before[1] else own_s - self._before[0]


def _used() -> tuple[float, int]:
    """Return this thread's processor time, and how often it lost the processor; Linux knows."""
    if _OF_THREAD is None:
        return 0.0, 0
    found = resource.getrusage(_OF_THREAD)
    return found.ru_utime + found.ru_stime, found.ru_nivcsw


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

    def is_short(self, kind: Hashable, limit_s: float = SHORT_S) -> bool:
        """Return whether the next call of a kind should take no longer than a limit."""
        return self._counts.get(kind, 0) >= _FEW and self._means_s.get(kind, 1.0) <= limit_s

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
