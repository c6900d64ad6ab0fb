"""Memory and processor limits by the kernel's control groups, of version 1 or 2, written by hand.

systemd and Docker do this better. This is for a machine that has neither and on which the hub runs
as root.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")
PARENT = "deployworkbook"
# Microseconds in which a group gets its share.
PERIOD_US = 100_000
# The file of a group's weight by version, and what is in it unless somebody changes it.
CPU_WEIGHTS = {1: ("cpu.shares", 1024), 2: ("cpu.weight", 100)}


@dataclass(frozen=True)
class ControlGroups:
    """Where learners' groups are made.

    Args:
        folders: The parent folder for each of ``memory`` and ``cpu``; the same one in version 2.
        version: 1 or 2.
    """

    folders: Mapping[str, Path]
    version: int

    def prepare(self, name: str, *, memory_bytes: int, cpus: float) -> list[Path]:
        """Make a learner's groups; return their folders.

        Args:
            name: The learner.
            memory_bytes: Most memory of all of the learner's processes together.
            cpus: Most processor time per second, in seconds.

        Raises:
            OSError: The system doesn't let us.
        """
        files = _files(self.version, memory_bytes, cpus)
        made = []
        for kind, parent in self.folders.items():
            folder = parent / name
            folder.mkdir(exist_ok=True)
            for file, text in files[kind].items():
                (folder / file).write_text(text)
            if folder not in made:
                made.append(folder)
        return made

    def names(self) -> list[str]:
        """Return the learners who have groups."""
        with suppress(OSError):
            return [each.name for each in self.folders["cpu"].iterdir() if each.is_dir()]
        return []

    def members(self, name: str) -> list[int]:
        """Return the IDs of a learner's processes."""
        return list(members(self.folders["cpu"] / name))

    def weigh(self, name: str, weight: float) -> None:
        """Set a learner's weight among those who want the processor at the same time.

        Args:
            name: The learner.
            weight: 1 for a learner like all others; 0.05 gets a twentieth of their time.

        Raises:
            OSError: The learner has no group.
        """
        file, whole = CPU_WEIGHTS[self.version]
        (self.folders["cpu"] / name / file).write_text(str(max(2, round(whole * weight))))

    def end(self, name: str) -> None:
        """Kill what is left of a learner's processes, and remove the groups."""
        for folder in dict.fromkeys(parent / name for parent in self.folders.values()):
            for pid in members(folder):
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            with suppress(OSError):  # processes that are still ending keep it until the next time
                folder.rmdir()


def _files(version: int, memory_bytes: int, cpus: float) -> dict[str, dict[str, str]]:
    quota = round(cpus * PERIOD_US)
    file, whole = CPU_WEIGHTS[version]
    weight = {file: str(whole)}
    if version == 2:
        return {
            "memory": {"memory.max": str(memory_bytes), "memory.oom.group": "0"},
            "cpu": {"cpu.max": f"{quota} {PERIOD_US}"} | weight,
        }
    return {
        "memory": {"memory.limit_in_bytes": str(memory_bytes)},
        "cpu": {
            "cpu.cfs_period_us": str(PERIOD_US),
            "cpu.cfs_quota_us": str(quota),
        }
        | weight,
    }


def members(folder: Path) -> Iterator[int]:
    """Yield the processes of a group."""
    with suppress(OSError):
        for line in (folder / "cgroup.procs").read_text().split():
            yield int(line)


def find(mount: Path = MOUNT) -> ControlGroups | None:
    """Return where groups with both limits can be made, or ``None`` if nowhere.

    It makes a group and removes it again, because permissions alone don't tell.

    Args:
        mount: Where the system's groups are.
    """
    for made in (_second(mount), _first(mount)):
        if made is None:
            continue
        with suppress(OSError):
            probe = f"probe-{os.getpid()}"
            made.prepare(probe, memory_bytes=2**30, cpus=1.0)
            made.end(probe)
            return made
    return None


def _second(mount: Path) -> ControlGroups | None:
    """Version 2, if it has both controllers; a mixed system has them in version 1."""
    try:
        available = set((mount / "cgroup.controllers").read_text().split())
        if not {"memory", "cpu"} <= available:
            return None
        parent = mount / PARENT
        parent.mkdir(exist_ok=True)
        for folder in (mount, parent):
            control = folder / "cgroup.subtree_control"
            if not {"memory", "cpu"} <= set(control.read_text().split()):
                control.write_text("+memory +cpu")
    except OSError:
        return None
    return ControlGroups({"memory": parent, "cpu": parent}, version=2)


def _first(mount: Path) -> ControlGroups | None:
    try:
        folders = {kind: mount / kind / PARENT for kind in ("memory", "cpu")}
        for folder in folders.values():
            folder.mkdir(exist_ok=True)
    except OSError:
        return None
    return ControlGroups(folders, version=1)
