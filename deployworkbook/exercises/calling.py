"""Call a learner's function safely: with a time limit, captured output and caught errors."""

from __future__ import annotations

import contextvars
import copy
import ctypes
import inspect
import io
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any, TextIO

# Time that a function has to stop before it is abandoned.
GRACE_S = 1.0


class CallError(Exception):
    """The call returned no value; the message tells the learner why."""


class NoValueError(CallError):
    """The function returned nothing, or raised ``NotImplementedError``."""


class _TimeUpError(BaseException):
    """Raised inside the learner's function when its time is up."""


class _Tee(io.TextIOBase):
    """A stream that passes text on and keeps a copy."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.kept = ""

    def write(self, text: str) -> int:
        self.kept += text
        return self._stream.write(text)

    def flush(self) -> None:
        self._stream.flush()


def call(function: Callable[..., Any], arguments: tuple[Any, ...], *, limit_s: float) -> Any:
    """Return the result of ``function`` for copies of ``arguments``.

    It runs in a separate thread, so that the time limit works in any thread of a notebook, without
    the platform's alarm signal. Interrupting the notebook interrupts the function.

    Args:
        function: The learner's function.
        arguments: Positional arguments; the function gets copies that it may change.
        limit_s: Time limit in seconds.

    Raises:
        NoValueError: It returned None or ``...``, or raised ``NotImplementedError``.
        CallError: It takes different arguments, raised an error, or took too long.

    >>> call(lambda a, b: a + b, (1, 2), limit_s=10.0)
    3
    """
    _check_arguments(function, arguments)
    outcome: dict[str, Any] = {}
    given = copy.deepcopy(arguments)

    def run() -> None:
        try:
            outcome["returned"] = function(*given)
        except BaseException as error:  # SystemExit too: an answer must not end the notebook
            outcome["error"] = error

    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(run,), name="answer", daemon=True)
    tee = _Tee(sys.stdout)
    with redirect_stdout(tee):
        thread.start()
        try:
            thread.join(limit_s)
        finally:
            late = thread.is_alive()
            if late:
                _stop(thread)
    if late:
        left = " It could not be stopped, so restart the kernel." if thread.is_alive() else ""
        raise CallError(
            f"Your function was stopped after {limit_s:g} s. Does a loop never end, or does it "
            f"wait for something?{left}"
        )
    if "error" in outcome:
        raise _told(outcome["error"]) from outcome["error"]
    if outcome["returned"] is None or outcome["returned"] is ...:
        raise NoValueError(_without_value(tee.kept))
    return outcome["returned"]


def parameters_of(function: Callable[..., Any]) -> str:
    """Return the names of a function's parameters: ``values, scale``.

    >>> parameters_of(lambda values, scale: values)
    'values, scale'
    """
    return ", ".join(inspect.signature(function).parameters)


def _check_arguments(function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some built-in functions have none
        return
    try:
        signature.bind(*arguments)
    except TypeError as error:
        count, taken = len(arguments), ", ".join(map(str, signature.parameters.values()))
        called = f"Your function is called with {count} arguments."
        if count == 1:
            called = "Your function is called with 1 argument."
        raise CallError(f"{called} Yours takes ({taken}).") from error


def _stop(thread: threading.Thread) -> None:
    """Raise an exception in another thread, which ends it once it runs Python code again."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident or 0), ctypes.py_object(_TimeUpError)
    )
    thread.join(GRACE_S)


def _told(error: BaseException) -> CallError:
    if isinstance(error, NotImplementedError):
        return NoValueError("Your function says that it is not written yet.")
    if isinstance(error, SystemExit):
        return CallError("Your function called exit(). Return a value instead.")
    # Skip this module's frame. For an error deep in a library, quote the learner's own line.
    frames = traceback.extract_tb(error.__traceback__)[1:]
    own = [frame for frame in frames if frame.filename == frames[0].filename]
    raised = f"{type(error).__name__}: {error}"
    if own and own[-1].line:
        return CallError(f'Your function raised {raised} in the line "{own[-1].line}".')
    return CallError(f"Your function raised {raised}.")


def _without_value(printed: str) -> str:
    if not (shown := printed.strip()):
        return "Your function returned nothing yet."
    if len(shown) > 60:
        shown = shown[:57] + "..."
    return (
        f"Your function printed {shown} but returned nothing. "
        "Replace `print(...)` with `return ...`."
    )
