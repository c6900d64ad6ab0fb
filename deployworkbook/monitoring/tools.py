"""Programs of others that watch, as processes of ours: started, waited for, and asked over HTTP."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import requests

from deployworkbook.serving.launcher.owned_process import ADDRESS, OwnedProcess, free_port
from deployworkbook.validation import message

READY_S = 30.0
GRACE_S = 10.0
TRIES = 3
INSTALL = "Debian and Ubuntu: apt-get install prometheus prometheus-alertmanager."


class Tool(OwnedProcess):
    """A program that answers over HTTP; it ends with this process, however that ends.

    Args:
        command: Writes the program and its arguments for a port.
        log_path: The file for its output.

    Raises:
        RuntimeError: It didn't start; the message quotes its log.
    """

    def __init__(self, command: Callable[[int], Sequence[str]], *, log_path: Path) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        for attempt in range(TRIES):
            port = free_port()
            self.host_and_port = f"{ADDRESS}:{port}"
            self.address = f"http://{self.host_and_port}"
            super().__init__(command(port), log_path=log_path)
            failure = self._failure_to_start()
            if not failure:
                return
            # Another process may have taken the port since it was found free.
            if "address already in use" not in failure or attempt == TRIES - 1:
                raise RuntimeError(failure)

    def get(self, path: str, **parameters: Any) -> Any:
        """Ask for something and return its JSON.

        Args:
            path: The path, such as ``/api/v1/alerts``.
            parameters: The query's parameters.

        Raises:
            ValueError: The program refuses the request; the message is its own.
        """
        return self._asked("GET", path, params=parameters)

    def post(self, path: str, content: Any) -> Any:
        """Send JSON and return the answer's; ``None`` if the answer is empty.

        Args:
            path: The path.
            content: What to send.

        Raises:
            ValueError: The program refuses the request; the message is its own.
        """
        return self._asked("POST", path, json=content)

    def stop(self, grace_s: float = GRACE_S) -> None:
        """End it, unless it has ended.

        Args:
            grace_s: How long it may take before it is killed, in seconds.
        """
        super().stop(grace_s)
        self._session.close()

    def _asked(self, method: str, path: str, **given: Any) -> Any:
        answer = self._session.request(method, f"{self.address}{path}", timeout=10, **given)
        if not answer.ok:
            raise ValueError(f"{self.command[0]} says: {answer.text.strip()}")
        return answer.json() if answer.content else None

    def _failure_to_start(self) -> str:
        """Wait until it answers; return what went wrong if it doesn't, and nothing if it does."""
        deadline = time.monotonic() + READY_S
        while not self._is_ready():
            if not self.is_running() or time.monotonic() > deadline:
                self.stop()
                return (
                    f"{self.command[0]} did not start. The end of its log, {self.log_path}:\n"
                    f"{self.log_tail(10)}"
                )
            time.sleep(0.02)
        return ""

    def _is_ready(self) -> bool:
        try:
            return self._session.get(f"{self.address}/-/ready", timeout=2).ok
        except requests.RequestException:
            return False


def find(names: Sequence[str]) -> str:
    """Return the path of a program.

    Args:
        names: Its names; the first one found counts.

    Raises:
        FileNotFoundError: None is installed.
    """
    for name in names:
        path = shutil.which(name)
        if path is not None:
            return path
    raise FileNotFoundError(
        message(
            "program",
            received=f"no {' and no '.join(names)} on PATH",
            expected=f"{names[0]} to be installed",
            remedy=INSTALL,
        )
    )
