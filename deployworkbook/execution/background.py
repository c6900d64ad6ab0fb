"""Errors that no cell of a notebook sees: those of its threads and of its asyncio tasks.

Python prints them and goes on, so a notebook passes whose background work has failed. As an IPython
extension this module writes them into the file that ``VARIABLE`` names; the process that runs the
notebook reads them from there.

An exception of a ``concurrent.futures`` executor is not among them: until its result is asked for,
Python tells nobody of it.
"""

from __future__ import annotations

import asyncio
import atexit
import gc
import json
import logging
import os
import sys
import threading
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

VARIABLE = "DEPLOYWORKBOOK_BACKGROUND_ERRORS"

# So much is kept of one run; a thread that fails again and again says the same.
MOST_ERRORS = 20

# Where the event loop's own handlers report what nobody has asked for.
LOGGERS = ("asyncio", "tornado.application")


@dataclass(frozen=True)
class BackgroundError:
    """An exception that ended a thread or a task of a notebook.

    Args:
        where: What was ended, such as ``thread Thread-5 (work)``.
        error: The exception's type and message, in one line.
        traceback: All of it.
    """

    where: str
    error: str
    traceback: str

    def __str__(self) -> str:
        return f"{self.where} raised {self.error}"


def read_errors(path: Path) -> list[BackgroundError]:
    """Read what a notebook's kernel has written; a file that is missing holds nothing.

    Args:
        path: The file that ``VARIABLE`` named.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        try:
            found.append(BackgroundError(**json.loads(line)))
        except (ValueError, TypeError):  # the kernel was killed while it wrote
            continue
    return found


class Recorder:
    """Writes background errors into a file, a JSON object a line.

    Args:
        path: The file; it is appended to.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._count = 0
        self._writing = threading.Lock()

    def add(
        self,
        where: str,
        kind: type[BaseException],
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write an exception."""
        with self._writing:
            self._count += 1
            if self._count > MOST_ERRORS:
                return
            name = traceback.format_exception_only(kind, error)[-1].strip().partition("\n")[0]
            text = "".join(traceback.format_exception(kind, error, trace))
            line = json.dumps(asdict(BackgroundError(where, name, text)))
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")

    def watch_threads(self) -> None:
        """Write what ends a thread, and let Python print it as before."""
        print_it = threading.excepthook

        def hook(args: threading.ExceptHookArgs) -> None:
            if args.exc_type is not SystemExit:  # which ends a thread as a return does
                name = args.thread.name if args.thread else "that has ended"
                self.add(f"thread {name}", args.exc_type, args.exc_value, args.exc_traceback)
            print_it(args)

        threading.excepthook = hook

    def watch_loop(self) -> None:
        """Write what the event loop logs of tasks and callbacks, which is printed as before."""
        handler = _LogHandler(self)
        for name in LOGGERS:
            logging.getLogger(name).addHandler(handler)

    def add_unasked(self) -> None:
        """Write the exceptions of tasks and futures that a variable still holds.

        The loop logs an exception that nobody has asked for when its task is deleted. What a
        notebook keeps is never deleted, so it is looked for here.
        """
        for each in gc.get_objects():
            # By type(): a proxy's __class__ may load a library.
            if not issubclass(type(each), asyncio.Future):
                continue
            # asyncio's own mark for "failed, and nobody has asked".
            if each.done() and getattr(each, "_log_traceback", False):
                error = each.exception()  # asked for now, so that the loop does not log it too
                if error is not None:
                    self.add(_name_of(each), type(error), error, error.__traceback__)


class _LogHandler(logging.Handler):
    """Passes on the errors that are logged with their exception."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(logging.ERROR)
        self.recorder = recorder

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[0] is not None:
            where = record.getMessage().partition("\n")[0]
            self.recorder.add(f"the event loop ({where})", *record.exc_info)
        # Having a handler keeps Python from printing what has none.
        if not logging.getLogger().handlers and logging.lastResort is not None:
            logging.lastResort.handle(record)


def _name_of(future: asyncio.Future[Any]) -> str:
    return f"task {future.get_name()}" if isinstance(future, asyncio.Task) else "a future"


def load_ipython_extension(shell: object) -> None:
    """Begin to watch; IPython calls this in the kernel of a run.

    Args:
        shell: IPython's, which is not needed.
    """
    named = os.environ.pop(VARIABLE, None)
    if named is None:
        print(f"{VARIABLE} names no file, so background errors are not kept.", file=sys.stderr)
        return
    recorder = Recorder(Path(named))
    recorder.watch_threads()
    recorder.watch_loop()
    atexit.register(recorder.add_unasked)
