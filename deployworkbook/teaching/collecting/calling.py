"""Call learners' functions in another process, with limits, and get nothing but numbers back."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, get_args

from deployworkbook.exercises.literals import literal_of
from deployworkbook.teaching.collecting.confinement import can_confine
from deployworkbook.teaching.collecting.worker import ENDED, KILLED, TOO_LATE
from deployworkbook.workspace.plain_numbers import numbers_from

Isolation = Literal["confined", "guarded", "none"]
Failure = Literal["failed", "no value", "no numbers", "not allowed", "no module"]
Ending = Literal["numbers", "too late", "killed", "garbage"] | Failure

# More than the results of any exercise.
MOST_BYTES = 256 * 1024
MEMORY_BYTES = 512 * 1024 * 1024
# Time beyond a function's own: for starting Python and NumPy on a busy machine, and for a fork.
START_S = 120.0
GRACE_S = 10.0

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from deployworkbook.teaching.collecting.worker import serve; serve(json.loads(sys.argv[2]))"
)

# Tries, without Python's own checks, what must fail; 0 for each that did.
_PROBE = """
import ctypes
def probe(file):
    libc = ctypes.CDLL(None)
    opened = [libc.open(file.encode(), flags) for flags in (0, 1)]
    reached = [libc.socket(family, 1, 0) for family in (1, 2)]
    ended = [libc.kill(libc.getppid(), 0), libc.unlink(file.encode()), libc.fork()]
    if ended[2] == 0:
        libc._exit(0)
    return [int(each >= 0) for each in (*opened, *reached, *ended)]
"""


# How a function ended of which nothing came back.
_LOST: dict[bytes, Ending] = {ENDED: "garbage", TOO_LATE: "too late", KILLED: "killed"}


def isolation_here() -> Isolation:
    """Return how functions can be called on this system."""
    if can_confine():
        return "confined"
    return "guarded" if hasattr(os, "fork") else "none"


@dataclass(frozen=True)
class Function:
    """A learner's function, and what to call it with.

    Args:
        code: Program that defines it.
        name: Its name in the program.
        cases: The arguments of each call.
    """

    code: str
    name: str
    cases: tuple[tuple[Any, ...], ...]


class Caller:
    """A process that calls functions, restarted when it dies; use it with ``with``.

    Args:
        seconds: Time limit of the functions that are called together.
        modules: Modules that functions may import beyond the usual ones.
        isolation: How functions are called.
    """

    def __init__(
        self,
        *,
        seconds: float = 5.0,
        modules: tuple[str, ...] = (),
        isolation: Isolation | None = None,
    ) -> None:
        self.isolation = isolation or isolation_here()
        self._seconds, self._modules = seconds, modules
        self._process: subprocess.Popen[bytes] | None = None
        self._status = -1
        self._folder = tempfile.mkdtemp(prefix="deployworkbook-")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def call(self, function: Function) -> tuple[Ending, list[Any]]:
        """Return how a function's calls ended, and an array of numbers per case.

        Args:
            function: The function.
        """
        return self.call_together([function])[0]

    def call_together(self, functions: list[Function]) -> list[tuple[Ending, list[Any]]]:
        """Call functions of one learner one after the other, which is much faster.

        All have the time of one, and one that fails may take others with it: call those alone.

        Args:
            functions: The functions.
        """
        task = [
            {"code": each.code, "name": each.name, "arguments": literal_of(list(each.cases))}
            for each in functions
        ]
        text = json.dumps(task).encode()
        if self._process is None:
            self._start()
        try:
            status, content = self._exchange(b"T" + len(text).to_bytes(8) + text)
        except (OSError, _LostError):
            self._stop()
            return [("killed", [])] * len(functions)
        lost: tuple[Ending, list[Any]] = _LOST[status], []
        lines = content.split(b"\n")
        lines += [b""] * len(functions)
        return [
            _numbers(line, each) if line else lost
            for line, each in zip(lines, functions, strict=False)
        ]

    def _start(self) -> None:
        status, theirs = os.pipe()
        options = {
            "modules": self._modules,
            "status": theirs,
            "confined": self.isolation == "confined",
            "seconds": self._seconds,
            "memory_bytes": MEMORY_BYTES,
        }
        path = [os.path.abspath(each) for each in sys.path if each]
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", _START, json.dumps(path), json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"},
            pass_fds=(theirs,),
            start_new_session=True,
        )
        os.close(theirs)
        self._status = status
        try:
            self._wait(START_S)
        except _LostError as error:
            self._stop()
            raise OSError(
                "The process that calls learners' functions didn't start. "
                "Is there enough memory, and does `deployworkbook doctor` find Python whole?"
            ) from error
        if self.isolation == "confined":
            self._probe()

    def _probe(self) -> None:
        """Check that the system keeps its word, before the first function is called."""
        file = Path(self._folder) / "probe"
        file.touch()
        (probe,) = self.call(Function(_PROBE, "probe", ((str(file),),)))[1] or [None]
        if probe is None or probe.any():
            self._stop()
            raise OSError(
                "This system doesn't confine processes as expected, so no function was called. "
                "Collect on another machine, or with --unconfined if you trust your class."
            )

    def _exchange(self, message: bytes) -> tuple[bytes, bytes]:
        if self._process is None or self._process.stdin is None:
            raise _LostError
        self._process.stdin.write(message)
        self._process.stdin.flush()
        return self._wait(self._seconds + GRACE_S)

    def _wait(self, seconds: float) -> tuple[bytes, bytes]:
        """Return the byte that says how a fork ended, and what it had written."""
        if self._process is None or self._process.stdout is None:
            raise _LostError
        end, results, content = time.monotonic() + seconds, self._process.stdout.fileno(), b""
        os.set_blocking(results, False)
        with selectors.DefaultSelector() as selector:
            selector.register(results, selectors.EVENT_READ)
            selector.register(self._status, selectors.EVENT_READ)
            while True:
                ready = {key.fd for key, _ in selector.select(max(0.0, end - time.monotonic()))}
                if not ready or len(content) > MOST_BYTES:
                    raise _LostError
                if results in ready:
                    content += _available(results)
                    continue
                status = os.read(self._status, 1)
                if not status:
                    raise _LostError
                return status, content + _available(results)

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()
        os.close(self._status)


class _LostError(Exception):
    """The process died, hangs, or writes without end."""


def _available(pipe: int) -> bytes:
    try:
        content = os.read(pipe, MOST_BYTES)
    except BlockingIOError:
        return b""
    if not content:
        raise _LostError
    return content


def _numbers(line: bytes, function: Function) -> tuple[Ending, list[Any]]:
    """Read what a function's process wrote, which may be anything."""
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return "garbage", []
    if not isinstance(document, dict) or len(document) != 1:
        return "garbage", []
    results = document.get("results")
    if not isinstance(results, list):
        said = document.get("failed")
        return next((each for each in get_args(Failure) if each == said), "garbage"), []
    if len(results) != len(function.cases) or not all(isinstance(each, dict) for each in results):
        return "garbage", []
    try:
        return "numbers", [numbers_from(each) for each in results]
    except ValueError:
        return "garbage", []
