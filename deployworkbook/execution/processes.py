"""Kill a process and everything it has started.

A notebook's kernel runs in its own session, and a cell may start servers that detach from their
parents. A marker in the environment, which processes inherit by default, finds most of them. Those
started without the environment are found as descendants: on Linux the process of a run adopts
orphans (``adopt_orphans``). Elsewhere, a process that has both detached and dropped the environment
keeps running; no system call there reveals where it came from.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import time

import psutil

from deployworkbook.workspace.folder import RUN_VARIABLE

# A killed process ends within milliseconds, unless it hangs in the system (a stuck network drive).
PATIENCE_S = 5.0

# From <linux/prctl.h>.
PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Make this process, on Linux, the parent of descendants that lose theirs.

    Source: prctl(2), PR_SET_CHILD_SUBREAPER.
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def kill_tree(process_id: int, mark: str) -> None:
    """Kill a process, all processes with its mark, and the descendants of both, except the caller.

    Returns when none is running any more, or after ``PATIENCE_S``. The process itself is suspended
    first and killed last, because the orphans it has adopted can only be found while it exists.

    Args:
        process_id: Id of the process, which may have ended already.
        mark: The value of the environment variable ``RUN_VARIABLE`` it was started with.
    """
    own = os.getpid()
    root = _process(process_id)
    if root is not None and process_id != own:
        with contextlib.suppress(psutil.Error):
            root.suspend()
    deadline = time.monotonic() + PATIENCE_S
    found: set[psutil.Process] = set()
    while time.monotonic() < deadline:
        # Search again each round: a process may have started another before it was killed.
        marked = _marked(mark)
        found |= marked.union(*map(_descendants, marked))
        if root is not None:
            found |= _descendants(root)
        found = {p for p in found if p.pid not in {own, process_id} and _runs(p)}
        if not found:
            break
        for process in found:
            with contextlib.suppress(psutil.Error):
                process.kill()
        time.sleep(0.02)
    if root is not None and process_id != own:
        with contextlib.suppress(psutil.Error):
            root.kill()


def _process(process_id: int) -> psutil.Process | None:
    try:
        return psutil.Process(process_id)
    except psutil.NoSuchProcess:
        return None


def _descendants(process: psutil.Process) -> set[psutil.Process]:
    try:
        return set(process.children(recursive=True))
    except psutil.NoSuchProcess:
        return set()


def _marked(mark: str) -> set[psutil.Process]:
    marked = set()
    for process in psutil.process_iter():
        # Other users' processes can't be read, but none of ours is among them.
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(RUN_VARIABLE) == mark:
                marked.add(process)
    return marked


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
