"""Argument checks, with one wording for all error messages.

Every message says what was expected, what was received and, where it helps, what to do.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

T = TypeVar("T")

# Longer lists of names are left out: they would hide the one that was meant.
MANY = 12


def describe(value: object) -> str:
    """Describe ``value`` in a few words for an error message.

    >>> import numpy as np
    >>> describe(np.zeros((2, 3)))
    'an array of float64, shape (2, 3)'
    >>> describe("abc")
    "'abc' (str)"
    """
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype}, shape {value.shape}"
    text = repr(value)
    if len(text) > 60:
        text = text[:57] + "..."
    return f"{text} ({type(value).__name__})"


def message(name: str, *, received: str, expected: str, remedy: str = "") -> str:
    """Compose an error message: what was expected, what was received, what to do.

    >>> message("bits", received="17", expected="an integer from 2 to 16")
    'bits: expected an integer from 2 to 16. Received: 17.'
    """
    text = f"{name}: expected {expected}. Received: {received}."
    return f"{text} {remedy}" if remedy else text


def value_error(name: str, *, received: str, expected: str, remedy: str = "") -> ValueError:
    """Return a ``ValueError`` for an argument, worded by ``message``.

    >>> raise value_error("bits", received="17", expected="an integer from 2 to 16")
    Traceback (most recent call last):
    ...
    ValueError: bits: expected an integer from 2 to 16. Received: 17.
    """
    return ValueError(message(name, received=received, expected=expected, remedy=remedy))


def type_error(name: str, *, received: str, expected: str, remedy: str = "") -> TypeError:
    """Return a ``TypeError`` for an argument, worded by ``message``."""
    return TypeError(message(name, received=received, expected=expected, remedy=remedy))


def did_you_mean(name: object, names: Iterable[object]) -> str:
    """Suggest the closest of ``names``; return an empty string if none is close.

    >>> did_you_mean("c7g.larg", ["c7g.large", "m7g.large"])
    'Did you mean c7g.large?'
    >>> did_you_mean("c7g.larg", ["epochs"])
    ''
    """
    known = {str(each): each for each in names}
    near = difflib.get_close_matches(str(name), known, n=1)
    return f"Did you mean {near[0]}?" if near else ""


def check_choice(name: str, value: Any, choices: Iterable[T], *, remedy: str = "") -> T:
    """Return ``value`` if it is one of ``choices``.

    Raises:
        ValueError: It is not; the message lists the choices and suggests the closest.

    >>> check_choice("scheme", "symmetric", ["symmetric", "asymmetric"])
    'symmetric'
    """
    allowed = list(choices)
    if value not in allowed:
        near = did_you_mean(value, allowed) if isinstance(value, str) else ""
        listed = "one of " + ", ".join(repr(choice) for choice in allowed)
        expected = f"one of {len(allowed)} names" if near and len(allowed) > MANY else listed
        remedy = " ".join(filter(None, (near, remedy)))
        raise value_error(name, received=describe(value), expected=expected, remedy=remedy)
    chosen: T = value
    return chosen


def check_encodable(name: str, text: T, *, remedy: str = "") -> T:
    """Return ``text`` if it can be encoded as UTF-8; values other than ``str`` always pass.

    Raises:
        ValueError: It contains an unpaired surrogate.

    >>> check_encodable("model", "数字")
    '数字'
    """
    if isinstance(text, str):
        try:
            text.encode()
        except UnicodeEncodeError:
            received = f"{describe(text)}, which contains an unpaired surrogate"
            expected = "text that can be encoded as UTF-8"
            raise value_error(name, received=received, expected=expected, remedy=remedy) from None
    return text


def check_integer(name: str, value: Any, low: int, high: int | None = None) -> int:
    """Return ``value`` as an ``int`` if it is an integer from ``low`` to ``high``.

    Raises:
        TypeError: It is not an integer (a ``bool`` doesn't count).
        ValueError: It is out of range.

    >>> check_integer("bits", 8, 2, 16)
    8
    """
    expected = (
        f"an integer of at least {low}" if high is None else f"an integer from {low} to {high}"
    )
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise type_error(name, received=describe(value), expected=expected)
    if value < low or (high is not None and value > high):
        raise value_error(name, received=describe(value), expected=expected)
    return int(value)


def check_number(
    name: str,
    value: Any,
    low: float = -np.inf,
    high: float = np.inf,
    *,
    open_low: bool = False,
    open_high: bool = False,
) -> float:
    """Return ``value`` as a ``float`` if it is a finite number in the interval.

    Args:
        name: The argument's name, for the error message.
        value: The number.
        low: Lower end of the interval.
        high: Upper end of the interval.
        open_low: Whether ``low`` itself is excluded.
        open_high: Whether ``high`` itself is excluded.

    Raises:
        TypeError: It is not a real number.
        ValueError: It is NaN, infinite or outside the interval.

    >>> check_number("sparsity", 0.95, 0, 1, open_high=True)
    0.95
    >>> check_number("spot", 50, 0, 1)
    Traceback (most recent call last):
    ...
    ValueError: spot: expected a finite number in [0, 1]. Received: 50 (int). Did you mean 0.5?
    """
    is_number = isinstance(value, int | float | np.integer | np.floating)
    if is_number and not isinstance(value, bool | np.bool_):
        below = value <= low if open_low else value < low
        above = value >= high if open_high else value > high
        # Check the range first: an integer may be too long for a float.
        if not below and not above and math.isfinite(float(value)):
            return float(value)
    left, right = ("(" if open_low else "["), (")" if open_high else "]")
    expected = f"a finite number in {left}{low:g}, {high:g}{right}"
    if not is_number or isinstance(value, bool | np.bool_):
        raise type_error(name, received=describe(value), expected=expected)
    # The usual mistake is a percentage instead of a fraction.
    remedy = f"Did you mean {value / 100:g}?" if high == 1 < value <= 100 else ""
    raise value_error(name, received=describe(value), expected=expected, remedy=remedy)


def check_array(
    name: str,
    value: ArrayLike,
    *,
    ndim: int | None = None,
    shape: tuple[int | None, ...] | None = None,
    finite: bool = True,
    low: float = -np.inf,
    open_low: bool = False,
    keep_float32: bool = False,
) -> NDArray[np.float64]:
    """Return ``value`` as a float64 array after checking its shape and values.

    Args:
        name: The argument's name, for the error message.
        value: The array, or nested lists of numbers.
        ndim: Required number of axes; ``None`` accepts any number.
        shape: Required sizes of the last axes; ``None`` in it accepts any size. Leading batch axes
            are not checked, unless ``ndim`` is given too.
        finite: Whether to refuse NaN and infinity.
        low: Smallest number that is allowed.
        open_low: Whether ``low`` itself is excluded.
        keep_float32: Whether an array of float32 stays one. It is for formulas whose time matters;
            the declared type stays float64 for simplicity's sake.

    Raises:
        TypeError: It does not contain real numbers.
        ValueError: Its shape differs, it is empty, or it contains NaN, infinity or a number that is
            too small.

    >>> check_array("x", [1, 2]).dtype
    dtype('float64')
    >>> check_array("hours", [1, -2], low=0)
    Traceback (most recent call last):
    ...
    ValueError: hours: expected at least 0. Received: -2.
    """
    try:
        array = np.asarray(value)
    except ValueError:
        raise value_error(
            name, received="rows of unequal length", expected="an array of numbers"
        ) from None
    if array.dtype.kind not in "buif":
        raise type_error(name, received=describe(value), expected="real numbers")
    if array.size == 0:
        raise value_error(name, received=describe(array), expected="at least one number")
    if ndim is not None and array.ndim != ndim:
        raise value_error(name, received=describe(array), expected=f"{ndim} axes")
    if shape is not None and (
        array.ndim < len(shape)
        or any(
            wanted not in (None, got)
            for wanted, got in zip(shape, array.shape[array.ndim - len(shape) :], strict=True)
        )
    ):
        sizes = ", ".join("any" if size is None else str(size) for size in shape)
        raise value_error(name, received=describe(array), expected=f"last axes of sizes ({sizes})")
    keep = keep_float32 and array.dtype == np.float32
    result: NDArray[np.float64] = array if keep else array.astype(np.float64)
    if finite and not np.isfinite(result).all():
        count = int((~np.isfinite(result)).sum())
        raise value_error(name, received=f"{count} NaN or infinite", expected="finite numbers")
    # NaN compares as false, so that it is too small, too.
    if low > -np.inf and not (result > low if open_low else result >= low).all():
        expected = f"more than {low:g}" if open_low else f"at least {low:g}"
        raise value_error(name, received=f"{result.min():g}", expected=expected)
    return result


def check_same_shape(first_name: str, first: Any, second_name: str, second: Any) -> None:
    """Raise an error if two arrays differ in shape.

    Raises:
        ValueError: The shapes differ.

    >>> import numpy as np
    >>> check_same_shape("x", np.zeros(2), "y", np.zeros(3))
    Traceback (most recent call last):
    ...
    ValueError: y: expected the shape of x, (2,). Received: shape (3,).
    """
    if np.shape(first) != np.shape(second):
        raise value_error(
            second_name,
            received=f"shape {np.shape(second)}",
            expected=f"the shape of {first_name}, {np.shape(first)}",
        )


def check_labels(name: str, value: Any, classes: int) -> NDArray[np.int64]:
    """Return ``value`` as int64 class labels in ``0 … classes - 1``, shape ``[n]``.

    Raises:
        TypeError: They are not whole numbers.
        ValueError: They are not one axis, none at all, or out of range.

    >>> check_labels("labels", [0, 2, 1], 3)
    array([0, 2, 1])
    """
    array = np.asarray(value)
    expected = f"whole numbers from 0 to {classes - 1}, shape [n]"
    if array.ndim != 1 or array.size == 0:
        raise value_error(name, received=describe(array), expected=expected)
    if array.dtype.kind not in "ui":
        raise type_error(name, received=describe(array), expected=expected)
    if array.min() < 0 or array.max() >= classes:
        raise value_error(
            name, received=f"values from {array.min()} to {array.max()}", expected=expected
        )
    return array.astype(np.int64)
