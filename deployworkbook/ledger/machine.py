"""Describe this machine, without which a latency means nothing."""

from __future__ import annotations

import hashlib
import os
import platform
from dataclasses import astuple, dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Machine:
    """A computer on which measurements are made.

    Args:
        name: Host name.
        processor: CPU model.
        cores: Number of logical CPUs available to this process.
        memory_bytes: Installed memory, in bytes.
        system: Operating system and architecture.
    """

    name: str
    processor: str
    cores: int
    memory_bytes: int
    system: str

    @property
    def identity(self) -> str:
        """A short hash of all fields, which stays the same until one of them changes."""
        return hashlib.sha256(repr(astuple(self)).encode()).hexdigest()[:12]

    def __str__(self) -> str:
        memory_gib = self.memory_bytes / 2**30
        return f"{self.processor}, {self.cores} cores, {memory_gib:.0f} GiB, {self.system}"


def this_machine() -> Machine:
    """Describe the machine that this process runs on.

    >>> this_machine().cores >= 1
    True
    """
    return Machine(
        name=platform.node(),
        processor=_processor(),
        cores=available_cores(),
        memory_bytes=psutil.virtual_memory().total,
        system=f"{platform.system()} {platform.machine()}",
    )


def available_cores() -> int:
    """Return how many cores this process may use.

    >>> available_cores() >= 1
    True
    """
    # A container or scheduler may allow fewer cores than exist; not every system can tell.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    # On Linux, platform.processor() is empty, but this file names the model.
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
