"""Limit how many requests per second each client may make, in memory that doesn't grow."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

# Clients remembered at once. Those beyond share a bucket, so that none gets a fresh one by making
# the server forget it.
MOST_CLIENTS = 10_000
_ALL_OTHERS = ""


class RateLimiter:
    """A token bucket per client, as in ``formulas.rate_limit``.

    Per client it keeps one number, the time at which its bucket will be full. A full bucket is like
    that of a client never seen, so it can be forgotten.

    Args:
        rate_per_s: How fast a bucket fills, in requests per second.
        burst: How many requests a full bucket holds, at least 1.
        most: How many clients to remember.
        clock: Returns the time in seconds.

    >>> limiter = RateLimiter(2.0, 1, clock=lambda: 0.0)
    >>> limiter.take("a"), limiter.take("a"), limiter.take("b")
    (0.0, 0.5, 0.0)
    """

    def __init__(
        self,
        rate_per_s: float,
        burst: int,
        *,
        most: int = MOST_CLIENTS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.rate_per_s = rate_per_s
        self.burst = burst
        self._step_s = 1 / rate_per_s
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        # Longest unseen first.
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def take(self, client: str) -> float:
        """Take a request from a client's bucket.

        Args:
            client: Which client.

        Returns:
            0 if it may be answered; else in how many seconds it could be.
        """
        with self._lock:
            now = self._clock()
            client = self._known(client, now)
            full_at = max(now, self._full_at.get(client, now)) + self._step_s
            wait_s = full_at - now - self.burst * self._step_s
            # A client that waits as long as it is told must not be a rounding error too early.
            if wait_s > 1e-9:
                return wait_s
            self._full_at[client] = full_at
            self._full_at.move_to_end(client)
            return 0.0

    def give_back(self, client: str) -> None:
        """Return a request to a client's bucket, because something else counts it."""
        with self._lock:
            client = client if client in self._full_at else _ALL_OTHERS
            if client in self._full_at:
                self._full_at[client] -= self._step_s

    def __len__(self) -> int:
        return len(self._full_at)

    def _known(self, client: str, now: float) -> str:
        """Make room for a client; return the one in whose bucket it shares if there is none."""
        if client in self._full_at or len(self._full_at) < self._most:
            return client
        while self._full_at:
            oldest = next(iter(self._full_at))
            if self._full_at[oldest] > now:
                break
            del self._full_at[oldest]
        return client if len(self._full_at) < self._most else _ALL_OTHERS
