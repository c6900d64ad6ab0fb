"""Who computes for long stands back behind who moves a slider.

Control groups share the processors between learners alike. While four train on two cores, the
fifth's slider gets a fifth of the machine, and answers late. Training can wait a little without
anybody noticing, so a learner whose processes want the processor all the time gets a small weight
until they rest. Weights matter only between those who want the processor at the same time: a class
in which all train, and a learner who trains alone, are as fast as without them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tornado.ioloop import PeriodicCallback

from deployworkbook.teaching.hub.cgroups import ControlGroups

LOOK_EVERY_S = 0.5
# Threads that run or wait for a processor, on average between two looks. A slider that is dragged
# wants about half of one, with pauses between the steps; a cell that trains wants one and more.
BUSY_THREADS = 0.9
# A cell of less than a second keeps its weight: somebody is waiting for its picture.
BUSY_LOOKS = 2
BUSY_WEIGHT = 0.05


@dataclass
class Weights:
    """The weights of all learners on this machine.

    Args:
        groups: Where the learners' groups are.
        wanted_s: Returns for how long a process's threads have run or waited for a processor since
            they began, in seconds.
        clock: Returns a time in seconds.
    """

    groups: ControlGroups
    wanted_s: Callable[[int], float]
    clock: Callable[[], float] = time.monotonic
    _last: dict[str, tuple[float, float]] = field(default_factory=dict)
    _busy_looks: dict[str, int] = field(default_factory=dict)

    def look(self) -> None:
        """Look once; change the weights of those who began to compute for long, or ended."""
        names = set(self.groups.names())
        for gone in set(self._last) - names:
            del self._last[gone]
            self._busy_looks.pop(gone, None)
        for name in names:
            now, wanted_s = self.clock(), sum(map(self.wanted_s, self.groups.members(name)))
            at, before_s = self._last.get(name, (now, wanted_s))
            self._last[name] = now, wanted_s
            self._note(name, is_busy=wanted_s - before_s > BUSY_THREADS * max(now - at, 1e-3))

    def _note(self, name: str, *, is_busy: bool) -> None:
        before = self._busy_looks.get(name, 0)
        looks = self._busy_looks[name] = before + 1 if is_busy else 0
        with suppress(OSError):  # the learner's server may just have ended
            if looks == BUSY_LOOKS:
                self.groups.weigh(name, BUSY_WEIGHT)
            elif before >= BUSY_LOOKS > looks:
                self.groups.weigh(name, 1.0)


def wanted_s(pid: int) -> float:
    """Return for how long a process's threads have run or waited for a processor, in seconds.

    It is 0 for a process that has ended, and where the system doesn't count it.

    >>> import os
    >>> wanted_s(os.getpid()) >= 0
    True
    """
    total_ns = 0
    for file in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with suppress(OSError, ValueError):
            ran, waited, _ = file.read_text().split()
            total_ns += int(ran) + int(waited)
    return total_ns / 1e9


def keep_weights(groups: ControlGroups) -> PeriodicCallback:
    """Look at the learners from now on, for as long as the hub runs.

    Args:
        groups: Where the learners' groups are.
    """
    watch = PeriodicCallback(Weights(groups, wanted_s).look, LOOK_EVERY_S * 1000)
    watch.start()
    return watch
