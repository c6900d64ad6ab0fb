"""Run a web app of one's own in a process, to put beside a model server."""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import time
import uuid
from pathlib import Path

from deployworkbook.serving.api.addresses import host_and_port
from deployworkbook.serving.launcher.owned_process import ADDRESS, OwnedProcess, free_port
from deployworkbook.serving.launcher.running import StartError
from deployworkbook.validation import check_number, describe, type_error
from deployworkbook.workspace.files import timestamp, write_atomically
from deployworkbook.workspace.folder import current_workspace


class RunningWebApp(OwnedProcess):
    """A running web app; ``start_web_app`` makes one.

    Args:
        program: The file with its code.
        arguments: Its arguments after the port.
        port: The port that it gets.
        log_path: The file for its output.
    """

    def __init__(
        self, program: Path, arguments: tuple[str, ...], port: int, log_path: Path
    ) -> None:
        self.port = port
        super().__init__([sys.executable, str(program), str(port), *arguments], log_path=log_path)

    @property
    def address(self) -> str:
        """The address, such as ``http://127.0.0.1:8000``."""
        return f"http://{host_and_port(ADDRESS, self.port)}"

    def wait_until_ready(self, timeout_s: float) -> None:
        """Wait until it accepts connections.

        Raises:
            StartError: It ended first, or took too long and was killed.
        """
        deadline = time.monotonic() + timeout_s
        while not self._listens():
            if not self.is_running():
                self.stop()
                raise StartError(self._failure(f"ended with exit code {self.exit_code}"))
            if time.monotonic() > deadline:
                self.stop(grace_s=0)
                raise StartError(self._failure(f"did not listen within {timeout_s:g} s"))
            time.sleep(0.02)

    def __repr__(self) -> str:
        state = "running" if self.is_running() else f"ended with {self.exit_code}"
        return f"<web app, {state}: {self.address}>"

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection((ADDRESS, self.port), 1):
            return True
        return False

    def _failure(self, what: str) -> str:
        return (
            f"The web app {what}. Its command: {json.dumps(self.command)}. "
            f"The end of its log, {self.log_path}:\n{self.log_tail()}"
        )


def start_web_app(
    code: str,
    *arguments: str | Path,
    log_directory: Path | str | None = None,
    ready_timeout_s: float = 60.0,
) -> RunningWebApp:
    """Run the code of a web app in a process of its own, and wait until it listens.

    It ends with its ``with`` block, with this process (however that ends), or by ``stop``.

    Args:
        code: A Python program that serves HTTP on 127.0.0.1, at the port in ``sys.argv[1]``.
        arguments: Its other arguments, from ``sys.argv[2]`` on.
        log_directory: Folder for the program and its log (default: ``logs`` in the workspace).
        ready_timeout_s: How long it may take to listen, in seconds.

    Returns:
        The web app, which is a context manager.

    Raises:
        StartError: It ended early or didn't listen in time; the message quotes its log.
        TypeError: The code is no text.
        ValueError: The time is out of range.
    """
    if not isinstance(code, str):
        raise type_error("code", received=describe(code), expected="the text of a Python program")
    check_number("ready_timeout_s", ready_timeout_s, 0, open_low=True)
    logs = Path(log_directory) if log_directory else current_workspace().logs
    stem = f"web-app-{timestamp()}-{uuid.uuid4().hex[:6]}"
    program = (logs / f"{stem}.py").resolve()
    write_atomically(program, code)
    app = RunningWebApp(program, tuple(map(str, arguments)), free_port(), logs / f"{stem}.log")
    try:
        app.wait_until_ready(ready_timeout_s)
    except BaseException:
        app.stop(grace_s=0)
        raise
    return app
