"""Start learners' servers as processes of this machine, each in a folder of its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from jupyterhub.spawner import LocalProcessSpawner
from tornado.ioloop import PeriodicCallback
from traitlets import Unicode

from deployworkbook.teaching.hub import cgroups
from deployworkbook.teaching.hub.seats import make_folder
from deployworkbook.teaching.hub.weights import keep_weights
from deployworkbook.workspace.users import is_root


class SeatSpawner(LocalProcessSpawner):  # type: ignore[misc]
    """A learner's server as a process: as a user of its own and in control groups where possible.

    That needs root. Without, all learners are one user of the system, and their servers watch the
    memory of their kernels themselves.
    """

    seats = Unicode(help="The folder of all learners' folders.", config=True)
    # One for all learners, since the first of them came.
    _watch: ClassVar[PeriodicCallback | None] = None

    async def start(self) -> Any:
        """Make the learner's folder and groups, then start the server."""
        self._folder = make_folder(Path(self.seats), self.user.name)
        self._groups: list[Path] = []
        places = cgroups.find() if is_root() else None
        if places and self.mem_limit and self.cpu_limit:
            self._groups = places.prepare(
                self.user.name, memory_bytes=int(self.mem_limit), cpus=float(self.cpu_limit)
            )
            if SeatSpawner._watch is None:
                SeatSpawner._watch = keep_weights(places)
        return await super().start()

    async def stop(self, now: bool = False) -> None:
        """Stop the server, and what its kernels have left."""
        await super().stop(now=now)
        places = cgroups.find() if is_root() else None
        if places:
            places.end(self.user.name)

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        """Set what a login would; the learner needs no account."""
        folder = str(self._folder)
        return env | {"USER": self.user.name, "LOGNAME": self.user.name, "HOME": folder}

    def make_preexec_fn(self, name: str) -> Callable[[], None]:
        """Return what the new process does before it becomes the server.

        Args:
            name: The learner.
        """
        folder, groups = self._folder, self._groups
        owner = folder.stat().st_uid if is_root() else None

        def become_the_learner() -> None:
            for group in groups:
                (group / "cgroup.procs").write_text("0")
            if owner is not None:
                os.setgroups([])
                os.setgid(owner)
                os.setuid(owner)
            os.umask(0o077)
            os.chdir(folder)

        return become_the_learner

    async def move_certs(self, paths: dict[str, str]) -> dict[str, str]:
        """Leave the certificates where they are."""
        return paths
