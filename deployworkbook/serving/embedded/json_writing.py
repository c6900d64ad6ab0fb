"""Write arrays as JSON like TensorFlow Serving: numbers, strings, bytes in base64."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from deployworkbook.serving.embedded.errors import Code, ServingError, invalid

# How many values to write at a time: NumPy's strings take 128 bytes each.
_PIECE = 8192
# Copies of a text: its pieces, the array's text, the answer's text, and its bytes.
_COPIES = 4
# A byte can become "\u0000".
_LONGEST_ESCAPE = 6
# In this range, orjson writes a number's shortest text without an exponent, as TensorFlow Serving
# does. Beyond it, the two differ.
_FIXED_FROM, _FIXED_BELOW = 1e-4, 1e6
_LEAST_POWER = "37"
_OF_NUMPY = orjson.OPT_SERIALIZE_NUMPY


def write_array(array: NDArray[Any], *, as_base64: bool = False) -> str:
    """Write an array as nested lists, or a single value.

    Args:
        array: Numbers, booleans, or bytes as objects.
        as_base64: Whether to write bytes as ``{"b64": …}`` instead of text.

    Raises:
        ServingError: JSON can't represent the type, or the bytes aren't text.

    >>> write_array(np.array([[0.5, 9e6], [3e-5, np.nan]], np.float32))
    '[[0.5, 9e+06], [3e-05, NaN]]'
    """
    if array.ndim and array.size > _PIECE:
        size = array.size // len(array)
        if size > _PIECE:
            pieces = [write_array(row, as_base64=as_base64) for row in array]
        else:
            step = _PIECE // size
            pieces = [
                write_array(array[start : start + step], as_base64=as_base64)[1:-1]
                for start in range(0, len(array), step)
            ]
        return f"[{', '.join(pieces)}]"
    if not array.size or array.dtype.kind in "iub":
        return json.dumps(array.tolist())
    if array.dtype == object:
        texts = [_string(value, as_base64) for value in array.ravel()]
    elif array.dtype.kind in "fV" and array.dtype.itemsize <= 8:
        array = _of_c_types(array)
        if array.ndim and np.maximum.reduce(np.abs(array), axis=None) < _FIXED_BELOW:
            text = orjson.dumps(array, option=_OF_NUMPY).decode()
            if "e" not in text and "0.0000" not in text:
                return text.replace(",", ", ")
        texts = decimals(array.ravel())
    else:
        raise invalid(f"Failed to write JSON value for tensor type: {array.dtype}")
    for size in reversed(array.shape):
        texts = [f"[{', '.join(texts[i : i + size])}]" for i in range(0, len(texts), size)]
    return texts[0]


def written_bytes(array: NDArray[Any]) -> int:
    """Return an upper bound for the memory of an array as text, including its copies.

    >>> written_bytes(np.zeros(3, np.int8)) >= 4 * len("[0, 0, 0]")
    True
    """
    # With an empty axis there are no values, but the other axes have brackets.
    # Two brackets, a comma and a space for each list, at every level.
    count, lists = 1, 0
    for size in array.shape:
        lists += count
        count *= size or 1
    if array.dtype == object:
        letters = 14 * count + _LONGEST_ESCAPE * sum(map(len, array.ravel().tolist()))
    else:
        letters = {1: 7, 2: 18, 4: 18}.get(array.dtype.itemsize, 26) * count
    return _COPIES * (letters + 4 * lists)


def decimals(values: NDArray[Any]) -> list[str]:
    """Write each number with the fewest digits that identify it within its type.

    >>> decimals(np.array([999999, 1 / 3, -np.inf], np.float32))
    ['999999.0', '0.33333334', '-Infinity']
    """
    values = _of_c_types(values)
    size = np.abs(values)
    texts = orjson.dumps(values, option=_OF_NUMPY).decode()[1:-1].split(",")
    for place in np.flatnonzero((size < _FIXED_FROM) | ~(size < _FIXED_BELOW)).tolist():
        texts[place] = _small(texts[place]) or _decimal(values[place])
    return texts


def _of_c_types(values: NDArray[Any]) -> NDArray[Any]:
    """Return the values as float or double; half precision is written as float."""
    kept = values.dtype in (np.float32, np.float64)
    kind = values.dtype.newbyteorder("=") if kept else np.dtype(np.float32)
    return np.asarray(values, kind, order="C")


def _small(text: str) -> str:
    """Write orjson's text of zero or of a small number as C does; empty if it isn't one.

    >>> _small("0.0000123"), _small("-2.5e-7"), _small("0.0"), _small("3e-40")
    ('1.23e-05', '-2.5e-07', '0.0', '')
    """
    digits, _, power = text.partition("e-")
    if power:
        # Below these powers, numbers have fewer digits than C writes.
        return f"{digits}e-{power:0>2}" if len(power) == 1 or power < _LEAST_POWER else ""
    sign, digits = ("-", digits[1:]) if digits.startswith("-") else ("", digits)
    if digits == "0.0":
        return text
    if not digits.startswith("0.0000"):
        return ""
    figures = digits[2:].lstrip("0")
    rest = f".{figures[1:]}" if figures[1:] else ""
    return f"{sign}{figures[0]}{rest}e-{len(digits) - len(figures) - 1:0>2}"


def _decimal(value: Any) -> str:
    number = float(value)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    digits = np.format_float_scientific(value, unique=True, trim="-")
    precision = max(6, len(digits.partition("e")[0].strip("-").replace(".", "")))
    text = f"{number:.{precision}g}"
    return text if "." in text or "e" in text else f"{text}.0"


def _string(value: Any, as_base64: bool) -> str:
    if as_base64:
        return json.dumps({"b64": base64.b64encode(value).decode("ascii")})
    try:
        text = value.decode("utf-8") if isinstance(value, bytes) else str(value)
    except UnicodeDecodeError as error:
        raise ServingError(
            Code.INVALID_ARGUMENT,
            "A string output is not UTF-8 text; outputs of bytes need names that end in _bytes",
        ) from error
    return json.dumps(text, ensure_ascii=False)
