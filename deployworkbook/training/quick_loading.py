"""A faster import of TensorFlow: without work on thousands of signatures that nobody looks at."""

from __future__ import annotations

import contextlib
import inspect
import sys
import typing
from collections.abc import Iterator
from typing import Any

# The module in which TensorFlow decorates each of its functions, several times over.
_DECORATING = "tensorflow.python.util.tf_decorator"
# How its generated modules name an operation's types, of which there are some thirty.
_TYPES = "_atypes."


@contextlib.contextmanager
def without_signatures() -> Iterator[None]:
    """Load TensorFlow in the block in less time; nothing else in it notices.

    A decorated function gets a copy of its signature. Without one, Python looks at the function it
    wraps, which has the same. And each operation's types are named by text, which Python compiles:
    here once per text rather than 18,000 times.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(_replaced(inspect, "signature", _signature))
        if hasattr(typing, "_type_convert"):  # private: another version may have another name
            stack.enter_context(_replaced(typing, "_type_convert", _type_convert))
        yield


@contextlib.contextmanager
def _replaced(module: Any, name: str, change: Any) -> Iterator[None]:
    original = getattr(module, name)
    setattr(module, name, change(original))
    try:
        yield
    finally:
        setattr(module, name, original)


def _signature(original: Any) -> Any:
    def signature(callable_: Any, /, **options: Any) -> Any:
        if sys._getframe(1).f_globals.get("__name__") == _DECORATING:
            # As for functions without one: the decorator then leaves it out.
            raise ValueError("no signature is needed")
        return original(callable_, **options)

    return signature


def _type_convert(original: Any) -> Any:
    known: dict[str, Any] = {}

    def convert(argument: Any, *arguments: Any, **options: Any) -> Any:
        if not isinstance(argument, str) or not argument.startswith(_TYPES):
            return original(argument, *arguments, **options)
        if argument not in known:
            known[argument] = original(argument, *arguments, **options)
        return known[argument]

    return convert
