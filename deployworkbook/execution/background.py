"""Record errors that no cell of a notebook sees: those in threads and asyncio tasks.

Python prints them and continues, so a notebook whose background work failed would pass. Loaded as
an IPython extension, this module writes them to the file named by ``VARIABLE``, from which the
process that runs the notebook reads them.

Exceptions in ``concurrent.futures`` executors are not included: Python doesn't report them until
somebody asks for the result.
"""

from __future__ import annotations

import asyncio
import atexit
import gc
import json
import logging
import os
import threading
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from deployworkbook.workspace.notices import notify

VARIABLE = "DEPLOYWORKBOOK_BACKGROUND_ERRORS"

# The limit per run: a thread that keeps failing repeats itself.
MOST_ERRORS = 20

# The loggers to which event loops report exceptions that were never retrieved.
LOGGERS = ("asyncio", "tornado.application")


@dataclass(frozen=True)
class BackgroundError:
    """An exception that ended a thread or task of a notebook.

    Args:
        where: The thread or task, such as ``thread Thread-5 (work)``.
        error: Type and message of the exception, in one line.
        traceback: The full traceback.
    """

    where: str
    error: str
    traceback: str

    def __str__(self) -> str:
        return f"{self.where} raised {self.error}"


def read_errors(path: Path) -> list[BackgroundError]:
    """Read the errors that a notebook's kernel has recorded; empty if the file is missing.

    Args:
        path: The file named by ``VARIABLE``.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        try:
            found.append(BackgroundError(**json.loads(line)))
        except (ValueError, TypeError):  # the kernel was killed while writing
            continue
    return found


class Recorder:
    """Write background errors to a file, one JSON object per line.

    Args:
        path: The file to append to.
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
        """Record an exception."""
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
        """Record exceptions that end threads; Python still prints them."""
        print_it = threading.excepthook

        def hook(args: threading.ExceptHookArgs) -> None:
            if args.exc_type is not SystemExit:  # it ends a thread like a return
                name = args.thread.name if args.thread else "that has ended"
                self.add(f"thread {name}", args.exc_type, args.exc_value, args.exc_traceback)
            print_it(args)

        threading.excepthook = hook

    def watch_loop(self) -> None:
        """Record exceptions in tasks and callbacks that the event loop logs; still print them."""
        handler = _LogHandler(self)
        for name in LOGGERS:
            logging.getLogger(name).addHandler(handler)

    def add_unretrieved(self) -> None:
        """Record exceptions of tasks and futures that are still referenced.

        The loop logs an unretrieved exception when its task is deleted. Tasks that a notebook keeps
        in a variable are never deleted, so look for them here.
        """
        gc.unfreeze()  # what was set apart is not among the objects
        for each in gc.get_objects():
            # type(), not __class__: a proxy's __class__ may load a library.
            if not issubclass(type(each), asyncio.Future):
                continue
            # asyncio's own flag for "failed and not retrieved".
            if each.done() and getattr(each, "_log_traceback", False):
                error = each.exception()  # this retrieves it, so the loop doesn't log it too
                if error is not None:
                    self.add(_name_of(each), type(error), error, error.__traceback__)


class _LogHandler(logging.Handler):
    """Record errors that are logged with an exception."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(logging.ERROR)
        self.recorder = recorder

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[0] is not None:
            where = record.getMessage().partition("\n")[0]
            self.recorder.add(f"the event loop ({where})", *record.exc_info)
        # With a handler attached, Python no longer prints records by default.
        if not logging.getLogger().handlers and logging.lastResort is not None:
            logging.lastResort.handle(record)


def _name_of(future: asyncio.Future[Any]) -> str:
    return f"task {future.get_name()}" if isinstance(future, asyncio.Task) else "a future"


def load_ipython_extension(shell: object) -> None:
    """Start recording; IPython calls this in the kernel of a run.

    Args:
        shell: IPython's shell; not used.
    """
    named = os.environ.pop(VARIABLE, None)
    if named is None:
        notify(f"{VARIABLE} is not set; background errors are not recorded.")
        return
    recorder = Recorder(Path(named))
    recorder.watch_threads()
    recorder.watch_loop()
    # Last of all: as it ends, Python would search all objects twice, TensorFlow's for a second.
    atexit.register(gc.freeze)
    atexit.register(recorder.add_unretrieved)
