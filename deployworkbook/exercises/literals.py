"""Values as Python expressions: numbers, texts, arrays, and collections of these."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

# Beyond these, a value is data rather than part of an answer.
LARGEST_ARRAY = 2000
MOST_DIGITS = 300
DEEPEST = 20


class NoLiteralError(ValueError):
    """A value has no expression here; the message says what it is."""


def literal_of(value: Any) -> str:
    """Return an expression for a value; arrays need ``numpy`` under this name where it is run.

    Args:
        value: A number, text, None, an array of numbers (at most 2000 of them), or a list, tuple,
            dictionary or set of these.

    Raises:
        NoLiteralError: It is none of these, or too large.

    >>> literal_of([1, 2.5, float("inf")])
    "[1, 2.5, float('inf')]"
    """
    return _literal(value, DEEPEST)


def _literal(value: Any, depth: int) -> str:
    if depth == 0:
        raise NoLiteralError("nested too deeply")
    kind = type(value)
    if value is None or kind in (bool, str):
        return repr(value)
    if kind is int and abs(value) < 10**MOST_DIGITS:
        return repr(value)
    if kind is float:
        return repr(value) if math.isfinite(value) else f"float('{value}')"
    if isinstance(value, np.ndarray | np.generic):
        return _array(value, depth)
    if kind is dict:
        pairs = [f"{_literal(k, depth - 1)}: {_literal(v, depth - 1)}" for k, v in value.items()]
        return f"{{{', '.join(pairs)}}}"
    if kind in (list, tuple, set):
        inner = ", ".join(_literal(each, depth - 1) for each in value)
        if kind is list:
            return f"[{inner}]"
        if kind is tuple:
            return f"({inner},)" if len(value) == 1 else f"({inner})"
        return f"{{{inner}}}" if value else "set()"
    raise NoLiteralError(f"of type {kind.__name__}")


def _array(value: Any, depth: int) -> str:
    if value.dtype.kind not in "biuf" or value.size > LARGEST_ARRAY:
        raise NoLiteralError(f"an array of {value.size} values of type {value.dtype}")
    if isinstance(value, np.generic):
        return f"numpy.{value.dtype.name}({_literal(value.item(), depth - 1)})"
    flat = _literal(value.ravel().tolist(), depth - 1)
    return f"numpy.array({flat}, dtype={value.dtype.name!r}).reshape({value.shape})"
