"""A kernel that computes for long stands back behind one whose learner waits for a picture.

Linux shares the processors between sessions alike unless it is told otherwise (``autogroup``), and
each kernel is a session of its own. A session may lower its own priority and take it back without
special rights. It has no effect within control groups, which share the processors themselves.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

# A cell shorter than this keeps its priority: somebody is waiting for its picture.
COMPUTES_S = 1.0
# Niceness of a whole session, from 0 to 19: at 15 it gets a thirtieth of what others get.
COMPUTING_NICENESS = 15


@dataclass
class StandingBack:
    """Which kernels compute, and since when.

    Args:
        processes: Where the system shows its processes.
        clock: Returns a time in seconds.
    """

    processes: Path = Path("/proc")
    clock: Callable[[], float] = time.monotonic
    _since_s: dict[int, float] = field(default_factory=dict)
    _back: set[int] = field(default_factory=set)

    def note(self, pid: int, *, is_idle: bool) -> None:
        """Note whether a kernel is idle, and change its session's priority when it is time to.

        Args:
            pid: The kernel's process.
            is_idle: Whether it runs no cell.
        """
        if is_idle:
            self._since_s.pop(pid, None)
            if pid in self._back and self._set(pid, 0):
                self._back.discard(pid)
            return
        since_s = self._since_s.setdefault(pid, self.clock())
        is_long = self.clock() - since_s >= COMPUTES_S
        if is_long and pid not in self._back and self._set(pid, COMPUTING_NICENESS):
            self._back.add(pid)

    def forget(self, pid: int) -> None:
        """Forget a kernel that has ended."""
        self._since_s.pop(pid, None)
        self._back.discard(pid)

    def _set(self, pid: int, niceness: int) -> bool:
        """Return whether it worked; the system takes ten changes per second from all together."""
        try:
            (self.processes / str(pid) / "autogroup").write_text(str(niceness))
        except BlockingIOError:
            return False
        except OSError:  # no such feature: try no more
            return True
        return True
