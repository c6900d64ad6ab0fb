"""The end of a process and of all that it has started.

A notebook's kernel runs in a session of its own, and a cell may start servers that leave their
parents. A marker in the environment, which every process passes on, finds them all.
"""

from __future__ import annotations

import contextlib
import os
import time

import psutil

from deployworkbook.workspace import RUN_VARIABLE

# A killed process is gone in milliseconds, unless the system holds it (a stuck network drive).
PATIENCE_S = 5.0


def kill_tree(process_id: int, mark: str) -> None:
    """Kill a process, its descendants and all that carry its mark, except the caller.

    Returns when none runs any more, or after ``PATIENCE_S`` for those that the system holds.

    Args:
        process_id: The process; it may have ended already.
        mark: The value of the environment variable ``RUN_VARIABLE`` that it was started with.
    """
    own = os.getpid()
    deadline = time.monotonic() + PATIENCE_S
    found: set[psutil.Process] = set()
    while time.monotonic() < deadline:
        # Again in each round: a process may have started another before it was killed.
        found |= {p for p in _descendants(process_id) | _marked(mark) if p.pid != own}
        found = {process for process in found if _runs(process)}
        if not found:
            return
        for process in found:
            with contextlib.suppress(psutil.Error):
                process.kill()
        time.sleep(0.02)


def _descendants(process_id: int) -> set[psutil.Process]:
    try:
        process = psutil.Process(process_id)
        return {process, *process.children(recursive=True)}
    except psutil.NoSuchProcess:
        return set()


def _marked(mark: str) -> set[psutil.Process]:
    marked = set()
    for process in psutil.process_iter():
        # Other users' processes may not be read, and none of ours is among them.
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(RUN_VARIABLE) == mark:
                marked.add(process)
    return marked


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
