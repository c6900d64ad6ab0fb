"""Replicas that come and go, and the requests that they serve in order."""

from __future__ import annotations

import heapq
import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Fleet:
    """Replicas, and the requests that they serve.

    Args:
        arrivals: Arrival times, ascending, seconds.
        service: Service times, seconds.
        workers: Number of requests that a replica serves at once.
        replicas: Replicas that are ready at the start.
        most_wait_s: Longest wait; a request that would wait longer is turned away.
    """

    def __init__(
        self, arrivals: Array, service: Array, *, workers: int, replicas: int, most_wait_s: float
    ) -> None:
        self._arrivals, self._service = arrivals, service
        self.workers, self._most_wait = workers, most_wait_s
        self.waits = np.full(len(arrivals), np.nan)  # NaN: turned away
        self._next = 0
        self.ready = replicas
        self._free_at = [0.0] * (replicas * workers)  # a heap: when each worker is free
        self._leaving: list[float] = []
        self._pending: list[float] = []  # when starting replicas will be ready, ascending
        self._given = self._worked = 0.0
        self._now = 0.0
        self.changes: list[tuple[float, int, int]] = [(0.0, replicas, replicas)]
        self.readings: list[tuple[float, float]] = [(0.0, 0.0)]  # time, work done until then

    @property
    def starting(self) -> int:
        """Number of replicas that are still starting."""
        return len(self._pending)

    def run(self, until: float) -> float:
        """Serve until a time; return the ready workers' mean utilisation since the last call."""
        offered = 0.0
        while self._pending and self._pending[0] <= until:
            moment = self._pending.pop(0)
            self._serve(moment)
            offered += self.ready * (moment - self._now)
            self._now = moment
            self.ready += 1
            for _ in range(self.workers):
                heapq.heappush(self._free_at, moment)
            self._note()
        self._serve(until)
        offered += self.ready * (until - self._now)
        self._now = until
        self._leaving = [each for each in self._leaving if each > until]
        left = sum(each - until for each in self._free_at if each > until)
        worked = self._given - left - sum(each - until for each in self._leaving)
        done, self._worked = worked - self._worked, worked
        self.readings.append((until, worked))
        return min(1.0, max(0.0, done / (offered * self.workers)))

    def scale(self, now: float, wanted: int, start_up_s: float) -> None:
        """Start replicas, or stop some: first those that are still starting, then the idlest."""
        change = wanted - self.ready - self.starting
        self._pending += [now + start_up_s] * max(0, change)
        cancelled = min(self.starting, max(0, -change))
        if cancelled:
            del self._pending[-cancelled:]
        for _ in range(max(0, -change) - cancelled):
            self.ready -= 1
            self._leaving += [heapq.heappop(self._free_at) for _ in range(self.workers)]
        if change:
            self._note()

    def _note(self) -> None:
        self.changes.append((self._now, self.ready, self.ready + self.starting))

    def _serve(self, until: float) -> None:
        """Give each request that arrives before a time to the worker that is free first."""
        free_at, most = self._free_at, self._most_wait
        given, end = self._given, int(np.searchsorted(self._arrivals, until))
        waits = []
        for came, takes in zip(
            self._arrivals[self._next : end].tolist(),
            self._service[self._next : end].tolist(),
            strict=True,
        ):
            start = free_at[0] if free_at[0] > came else came
            if start - came <= most:
                given += takes
                heapq.heapreplace(free_at, start + takes)
                waits.append(start - came)
            else:
                waits.append(math.nan)
        self.waits[self._next : end] = waits
        self._next, self._given = end, given
