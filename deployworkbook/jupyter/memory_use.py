"""How much memory a process and its children use."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil


def private_bytes(pid: int) -> int:
    """Return the memory of one process that no other process shares, in bytes; 0 if it has ended.

    That is anonymous and shared memory without files, because a library's pages are read from disk
    once for all learners, and the system can drop them. Where the system doesn't tell them apart,
    all of the process's memory counts.

    >>> import os
    >>> private_bytes(os.getpid()) > 1e6
    True
    """
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except ProcessLookupError:
        return 0
    except FileNotFoundError:
        return _resident_bytes(pid)
    fields = dict(line.split(":", 1) for line in lines if line.startswith("Rss"))
    return sum(int(fields.get(name, "0 kB").split()[0]) for name in ("RssAnon", "RssShmem")) * 1024


def proportional_bytes(pid: int) -> int:
    """Return a process's memory in bytes, each shared page divided among those that share it.

    Sums over processes are then what they take of the machine. It takes the system milliseconds to
    count, so ask rarely. Where the system can't tell, it is all of the process's memory.
    """
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return _resident_bytes(pid)
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def family(pid: int) -> list[int]:
    """Return the IDs of a process and all of its descendants; empty if it has ended."""
    try:
        children = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return [pid, *(child.pid for child in children)]


def _resident_bytes(pid: int) -> int:
    with suppress(psutil.Error):
        return int(psutil.Process(pid).memory_info().rss)
    return 0
