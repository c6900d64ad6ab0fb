"""The process that calls learners' functions: it knows the arguments, but no right answer.

It imports what functions may use, and forks once per task: some functions of one learner. The fork
reads its task, gives up its rights, calls the functions, writes their numbers, and ends. So no
function sees another learner's task, nor a module that holds right answers: none was loaded, and
files can't be opened any more.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import select
import signal
import sys
import time
from typing import Any

from deployworkbook.teaching.collecting.confinement import confine, guard, limit_resources
from deployworkbook.workspace.plain_numbers import of_numbers, real_array

# What functions may import without a file being opened.
MODULES = (
    *("abc", "array", "bisect", "cmath", "collections", "collections.abc", "contextlib", "copy"),
    *("ctypes", "dataclasses", "datetime", "decimal", "enum", "fractions", "functools", "hashlib"),
    *("heapq", "inspect", "itertools", "json", "math", "numbers", "operator", "random", "re"),
    *("statistics", "string", "struct", "textwrap", "time", "typing", "warnings", "zlib"),
    *("numpy", "numpy.fft", "numpy.linalg", "numpy.ma", "numpy.polynomial", "numpy.random"),
    *("numpy.typing", "encodings.idna", "linecache", "traceback"),
)

# How a call ended; none of it is evidence, for the function may write what it likes.
FAILURES = ("failed", "no value", "no numbers", "not allowed", "no module")

# What the process tells the teacher's after each fork.
ENDED, TOO_LATE, KILLED = b"E", b"L", b"K"


def serve(options: dict[str, Any]) -> None:
    """Call functions until standard input ends.

    Standard input has, for each task, one byte that starts a fork, and then what the fork reads: a
    length of eight bytes, and a JSON list with ``code``, ``name`` and ``arguments``, which is
    Python, for each function. Standard output has a line of JSON for each.

    Args:
        options: ``modules``: more modules to import; ``status``: the file descriptor for the byte
            that says how a fork ended; ``confined``: whether the kernel confines forks;
            ``seconds`` and ``memory_bytes``: the limits of a fork.
    """
    for name in (*MODULES, *options["modules"]):
        with contextlib.suppress(Exception):  # then who imports it gets the error
            importlib.import_module(name)
    if any(name.startswith("deployworkbook.exercises") for name in sys.modules):
        raise AssertionError("the process that calls functions must not know right answers")
    gc.disable()
    gc.freeze()  # forks that collected garbage would copy all memory
    results = os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.write(options["status"], ENDED)  # ready
    while os.read(0, 1):
        os.write(options["status"], _fork(options, results, nowhere))


def _fork(options: dict[str, Any], results: int, nowhere: int) -> bytes:
    end, held = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(end)
            os.close(options["status"])
            _answer(options, results, nowhere)
        finally:
            os._exit(0)
    os.close(held)
    # The pipe ends with the fork, or when it closes its end, which hurts nobody but itself.
    in_time, *_ = select.select([end], [], [], options["seconds"])
    os.close(end)
    status = _ended(child) if in_time else None
    if status is None:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return KILLED if in_time else TOO_LATE
    return ENDED if os.WIFEXITED(status) else KILLED


def _ended(child: int) -> int | None:
    """Return the status of a fork that has closed its pipe, unless it goes on."""
    for _ in range(100):
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return status
        time.sleep(0.001)
    return None


def _answer(options: dict[str, Any], results: int, nowhere: int) -> None:
    """Read a task, give up all rights, call the functions, and write what they return."""
    task = json.loads(_read(int.from_bytes(_read(8))))
    os.dup2(nowhere, 0)
    sys.stdin, sys.stdout, sys.stderr = None, _Nowhere(), _Nowhere()
    known = {"numpy": sys.modules["numpy"]}
    arguments = [eval(each["arguments"], known) for each in task]  # noqa: S307 - the teacher's
    limit_resources(cpu_s=options["seconds"] + 1, memory_bytes=options["memory_bytes"])
    if options["confined"]:
        confine()
    else:
        guard()
    for each, given in zip(task, arguments, strict=True):
        text = json.dumps(_called(each["code"], each["name"], given)).encode() + b"\n"
        while text:
            text = text[os.write(results, text) :]


def _called(code: str, name: str, arguments: list[tuple[Any, ...]]) -> dict[str, Any]:
    try:
        namespace: dict[str, Any] = {"__name__": "answer"}
        exec(compile(code, "<answer>", "exec"), namespace)  # noqa: S102 - it may do nothing else
        returned = [namespace[name](*each) for each in arguments]
    except PermissionError:
        return {"failed": FAILURES[3]}
    except ImportError:
        return {"failed": FAILURES[4]}
    except BaseException:  # SystemExit too
        return {"failed": FAILURES[0]}
    if any(each is None or each is ... for each in returned):
        return {"failed": FAILURES[1]}
    try:
        return {"results": [of_numbers(real_array(each)) for each in returned]}
    except (TypeError, ValueError, OverflowError):
        return {"failed": FAILURES[2]}


def _read(size: int) -> bytes:
    content = b""
    while len(content) < size:
        part = os.read(0, size - len(content))
        if not part:
            raise EOFError
        content += part
    return content


class _Nowhere(io.TextIOBase):
    """Swallows what a function prints."""

    def write(self, text: str) -> int:
        return len(text)
