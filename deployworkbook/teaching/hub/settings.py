"""What a class on one server is: learners, limits, and how their servers are started."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from deployworkbook.teaching.hub import cgroups
from deployworkbook.validation import check_choice, check_integer, check_number, value_error
from deployworkbook.workspace.users import is_root

SpawnerName = Literal["systemd", "docker", "local"]
SPAWNERS: tuple[SpawnerName, ...] = ("systemd", "docker", "local")

# JupyterHub's suffixes, which are powers of 1024.
_UNITS = {"M": 2**20, "G": 2**30, "T": 2**40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([MGT])(?:i?B)?", re.IGNORECASE)
# A server without any kernel takes 0.12 GiB, and a kernel that has loaded TensorFlow 0.3.
LEAST_BYTES = 2**29
# A Docker that doesn't answer `docker info` within this time is none that a class could rely on.
DOCKER_S = 15.0


@dataclass(frozen=True)
class HubSettings:
    """A class on one server.

    Args:
        names: The learners' names; empty if the first logins claim them.
        seats: How many learners there may be.
        memory_bytes: Memory of each learner's server and kernels together.
        cpus: Processor time of each learner, in seconds per second.
        spawner: How servers are started on this machine.
        asks_class_password: Whether a first login asks for the class's password.
        shared_models: A folder of models that all learners read; ``None`` if there is none.
        address: Address to listen on: 127.0.0.1 for this machine only, 0.0.0.0 for all.
        port: Port to listen on.
        hours: How long the class's day is.
        teachers: The names of those who may stop and start all servers; they take no seats.
    """

    names: tuple[str, ...]
    seats: int
    memory_bytes: int
    cpus: float
    spawner: SpawnerName
    asks_class_password: bool
    shared_models: Path | None = None
    address: str = "127.0.0.1"
    port: int = 8000
    hours: float = 8.0
    teachers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_integer("--learners", self.seats, 1, 1000)
        check_number("--cpu", self.cpus, 0, 256, open_low=True)
        check_integer("--port", self.port, 1, 65535 - 81)
        check_number("--hours", self.hours, 0, 24, open_low=True)
        if self.memory_bytes < LEAST_BYTES:
            raise value_error(
                "--memory",
                received=f"{self.memory_bytes / 2**30:.2f} GiB",
                expected="at least 0.5 GiB, because TensorFlow alone takes more than half of that",
                remedy="Lesson 05 needs 1.3G.",
            )
        if len(self.names) > self.seats:
            raise value_error(
                "--learners",
                received=str(self.seats),
                expected=f"at least {len(self.names)}, as many as there are names",
                remedy="Leave --learners out.",
            )
        for name in self.teachers:
            if name in self.names:
                raise value_error(
                    "--teacher",
                    received=f"{name}, which is a learner's name, too",
                    expected="a name that no learner has",
                    remedy=f"Write it as {name}-teacher, for example.",
                )

    @property
    def servers(self) -> int:
        """How many servers there may be: one for each learner and each teacher."""
        return self.seats + len(self.teachers)

    @property
    def memory_gib(self) -> float:
        """Memory of each learner, in GiB."""
        return self.memory_bytes / 2**30


def size_in_bytes(text: str) -> int:
    """Read a size such as ``1.3G`` or ``800M``, in powers of 1024 as JupyterHub reads it.

    Raises:
        ValueError: It is no size.

    >>> size_in_bytes("1.5G"), size_in_bytes("800M")
    (1610612736, 838860800)
    """
    found = _SIZE.fullmatch(text.strip())
    if not found:
        raise value_error("--memory", received=repr(text), expected="a size such as 1.3G or 800M")
    return int(float(found[1]) * _UNITS[found[2].upper()])


def spawner_for(choice: str) -> SpawnerName:
    """Return how to start servers on this machine; ``auto`` takes the strictest that works.

    Args:
        choice: ``auto``, ``systemd``, ``docker`` or ``local``.

    Raises:
        ValueError: It is none of these.
    """
    check_choice("--spawner", choice, ("auto", *SPAWNERS))
    if choice != "auto":
        return cast("SpawnerName", choice)
    if has_systemd() and is_root():
        return "systemd"
    return "docker" if has_docker() else "local"


def has_systemd() -> bool:
    """Return whether systemd runs this machine, as ``sd_booted`` decides it."""
    return Path("/run/systemd/system").is_dir()


def has_docker() -> bool:
    """Return whether a Docker engine answers."""
    command = shutil.which("docker")
    if command is None:
        return False
    try:
        asked = subprocess.run(
            [command, "info"], capture_output=True, timeout=DOCKER_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


def has_control_groups() -> bool:
    """Return whether this process can make control groups with limits."""
    return is_root() and cgroups.find() is not None
