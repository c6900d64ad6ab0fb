"""Send a load from a process of its own.

A notebook's kernel also draws and collects garbage. If it sent the requests, it would delay some of
them, and the delay would look like the server's. ``deployworkbook.serving.load.sender`` is what
that process runs.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from typing import NoReturn

from deployworkbook.serving.load import sender
from deployworkbook.serving.load.engine import LoadPlan
from deployworkbook.serving.load.result import LoadResult
from deployworkbook.serving.load.target import LoadTarget


class RunningLoad:
    """A running load, which ends by itself.

    Args:
        plan: How many requests to send, and when.
        target: The server and the requests.

    Raises:
        RuntimeError: The process didn't start; its error is quoted.
    """

    def __init__(self, plan: LoadPlan, target: LoadTarget) -> None:
        self._plan = plan
        self._longest_s = plan.seconds + 2 * target.deadline_s + 30
        self._process = subprocess.Popen(
            [sys.executable, "-m", sender.__name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self._process.stdin and self._process.stdout  # noqa: S101, PT018 - for the types
        try:
            self._process.stdin.write(pickle.dumps((plan, target.destination)))
            self._process.stdin.close()
            self._process.stdin = None
        except BrokenPipeError:
            pass
        # Not readline: it would also buffer the result, which communicate then doesn't see.
        if os.read(self._process.stdout.fileno(), len(sender.STARTED)) != sender.STARTED:
            self._failed(self._process.communicate()[1])

    def wait(self) -> LoadResult:
        """Wait for the result; an interrupt (Ctrl-C) stops the load.

        Raises:
            RuntimeError: The process failed; its error is quoted.
        """
        try:
            content, said = self._process.communicate(timeout=self._longest_s)
        except BaseException:
            self.stop()
            raise
        if self._process.returncode:
            self._failed(said)
        # By the process started above.
        return LoadResult.of(self._plan, pickle.loads(content))  # noqa: S301

    def stop(self) -> None:
        """Stop the load without a result."""
        self._process.kill()
        self._process.communicate()

    def _failed(self, said: bytes) -> NoReturn:
        text = said.decode(errors="replace").strip()
        raise RuntimeError(f"The process that sends the load failed:\n{text}")
