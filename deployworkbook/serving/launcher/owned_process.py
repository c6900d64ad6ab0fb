"""A process that this one has started: it ends with it, however that ends."""

from __future__ import annotations

import atexit
import contextlib
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from deployworkbook.serving.launcher import guard
from deployworkbook.validation import check_integer

ADDRESS = "127.0.0.1"
GRACE_S = 15.0


class OwnedProcess:
    """A program that runs until it is stopped, its ``with`` block ends, or this process does.

    Args:
        command: The program and its arguments.
        log_path: The file for its output; its folder is made if it is missing.
        environment: All environment variables (default: this process's).
        guarded: Whether to stop it from outside once this process has died. A program that watches
            its parent by itself needs no guard.
        cleanup: A command to run after it was killed, or stopped by the guard.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        log_path: Path,
        environment: Mapping[str, str] | None = None,
        guarded: bool = True,
        cleanup: Sequence[str] = (),
    ) -> None:
        self.command = list(command)
        self.log_path = log_path
        self._cleanup = list(cleanup)
        log_path.parent.mkdir(parents=True, exist_ok=True)
        with log_path.open("wb") as log:
            # A session of its own, so that Ctrl-C in a lesson interrupts only the cell.
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        self._guard = _start_guard(self.pid, self._cleanup) if guarded else None
        atexit.register(self.stop)

    @property
    def pid(self) -> int:
        """The process ID; for a container, that of Docker's client."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """The exit code (negative: the signal that killed it); ``None`` while it runs."""
        return self._process.poll()

    def is_running(self) -> bool:
        """Return whether the process is running."""
        return self.exit_code is None

    def log_tail(self, lines: int = 20) -> str:
        """Return the last lines of its log."""
        text = self.log_path.read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-check_integer("lines", lines, 1) :])

    def stop(self, grace_s: float = GRACE_S) -> None:
        """Stop it, unless it has ended; a server first finishes running requests.

        Args:
            grace_s: How long it may take before it is killed, in seconds.
        """
        if self.is_running():
            self._process.terminate()
            try:
                self._process.wait(grace_s)
            except subprocess.TimeoutExpired:
                self.kill()
        self._end_guard()

    def kill(self) -> None:
        """Kill it at once, as ``kill -9`` does."""
        if self._cleanup:
            with contextlib.suppress(subprocess.TimeoutExpired):
                subprocess.run(self._cleanup, check=False, capture_output=True, timeout=GRACE_S)
        self._process.kill()
        self._process.wait()
        self._end_guard()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def _end_guard(self) -> None:
        atexit.unregister(self.stop)
        if self._guard is not None:
            self._guard.communicate(b".")
            self._guard = None


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return int(probe.getsockname()[1])


def _start_guard(process_id: int, cleanup: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", guard.__file__, str(process_id), *cleanup],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
