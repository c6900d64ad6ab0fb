"""JSON as the REST API reads and writes it: strict texts in, TensorFlow Serving's numbers out."""

from __future__ import annotations

import base64
import binascii
import codecs
import json
import math
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.serving.embedded.errors import Code, ServingError, cut, invalid

INDENT = 4
# An error quotes what was sent, and what was sent can be long.
LONGEST_QUOTE = 512
_HALF_OF_A_PAIR = re.compile(r"\\u[dD][89a-fA-F]")
_SPACE = re.compile(r"[ \t\n\r]*")
# RapidJSON reads these too. The pattern also takes strings, so as to pass over what is in them.
_SPELLINGS = {"Inf": "Infinity", "-Inf": "-Infinity", "-NaN": "NaN"}
_STRING_OR_SPELLING = re.compile(
    r'"[^"\\]*(?:\\.[^"\\]*)*"?|-?\bInf\b|-NaN\b', flags=re.DOTALL | re.ASCII
)

_KINDS = {
    type(None): "Null",
    dict: "Object",
    list: "Array",
    str: "String",
    int: "Number",
    float: "Number",
}


def parse_object(body: bytes) -> dict[str, Any]:
    """Read a request's body, which has to start with a JSON object.

    As RapidJSON does: bytes after the document are ignored, ``NaN``, ``Inf`` and ``Infinity`` are
    numbers, and a number beyond a double's range is an error.

    Raises:
        ServingError: It is no JSON, nested too deeply, or another value.

    >>> parse_object(b'{"inputs": [-Inf]} and more')
    {'inputs': [-inf]}
    """
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    try:
        value, text = _first_value(body)
        if _HALF_OF_A_PAIR.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise invalid(f"JSON Parse error: {error.msg} at offset: {error.pos}") from error
    except UnicodeDecodeError as error:
        raise invalid(
            f"JSON Parse error: Invalid encoding in string. at offset: {error.start}"
        ) from error
    except UnicodeEncodeError as error:
        raise invalid("JSON Parse error: The surrogate pair in string is invalid.") from error
    except RecursionError as error:
        raise invalid("JSON Parse error: The document is nested too deeply.") from error
    except ValueError as error:  # from _finite, or a whole number of thousands of digits
        raise invalid("JSON Parse error: Number too big to be stored in double.") from error
    if not isinstance(value, dict):
        raise invalid(f"JSON Value: {quote(value)} Is not object")
    return value


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits} is beyond a double's range")
    return number


_DECODER = json.JSONDecoder(parse_float=_finite)


def _first_value(body: bytes) -> tuple[Any, str]:
    """Read the document that a body starts with; return its value and its text."""
    body = body.removeprefix(codecs.BOM_UTF8)
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        # Not every bad byte is in the document: it may have ended before.
        text = body[: error.start].decode()
        try:
            return _decoded(text)
        except json.JSONDecodeError:
            raise error from None
    return _decoded(text)


def _decoded(text: str) -> tuple[Any, str]:
    start = _space_end(text)
    try:
        value, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        if not text.startswith(("I", "-I", "-N"), error.pos):
            raise
        spelled = _STRING_OR_SPELLING.sub(lambda found: _SPELLINGS.get(found[0], found[0]), text)
        if spelled == text:
            raise
        try:
            value, end = _DECODER.raw_decode(spelled, start)
        except json.JSONDecodeError as other:
            at = _offset_before(text, other.pos)
            raise json.JSONDecodeError(other.msg, text, at) from error
        text = spelled
    return value, text[:end]


def _offset_before(text: str, offset: int) -> int:
    """Return where a place of the text with Python's spellings was in the text as it was sent."""
    longer = 0
    for found in _STRING_OR_SPELLING.finditer(text):
        if found.start() + longer >= offset:
            break
        longer += len(_SPELLINGS.get(found[0], found[0])) - len(found[0])
    return offset - longer


def _space_end(text: str) -> int:
    found = _SPACE.match(text)
    return found.end() if found else 0


def quote(value: Any) -> str:
    """Write a value for an error's text; long ones are cut."""
    text = json.dumps(value, indent=INDENT, ensure_ascii=False)
    return cut(text, LONGEST_QUOTE, "...(truncated)")


def kind_of(value: Any) -> str:
    """Name the kind of a JSON value, as error texts do.

    >>> kind_of(True), kind_of(2.5)
    ('True', 'Number')
    """
    return str(value) if isinstance(value, bool) else _KINDS[type(value)]


def type_error(value: Any, wanted: str) -> ServingError:
    """Make the error of a value that is not of the wanted type."""
    return invalid(
        f"JSON Value: {quote(value)} Type: {kind_of(value)} is not of expected type: {wanted}"
    )


def is_base64(value: Any) -> bool:
    """Whether a value is ``{"b64": text}``, which stands for bytes."""
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def decode_base64(value: Any) -> bytes:
    """Read the bytes of ``{"b64": text}``.

    Raises:
        ServingError: It is something else, or its text is no base64.
    """
    if not is_base64(value):
        raise invalid(f"JSON Value: {quote(value)} not formatted correctly for base64 data")
    text = "".join(value["b64"].split()).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid("Unable to base64 decode") from error


def write_array(array: NDArray[Any], *, as_base64: bool = False) -> str:
    """Write an array as nested lists, or a single value.

    Args:
        array: Numbers, booleans, or bytes as objects.
        as_base64: Whether bytes are written as ``{"b64": …}``, not as text.

    Raises:
        ServingError: JSON has no form for its type, or its bytes are no text.

    >>> write_array(np.array([[0.5, 9e6], [3e-5, np.nan]], np.float32))
    '[[0.5, 9e+06], [3e-05, NaN]]'
    """
    if not array.size:
        return json.dumps(array.tolist())
    if array.dtype.kind in "iub":
        return json.dumps(array.tolist())
    if array.dtype == object:
        texts = [_string(value, as_base64) for value in array.ravel()]
    elif array.dtype.kind in "fV" and array.dtype.itemsize <= 8:
        texts = decimals(array.ravel())
    else:
        raise invalid(f"Failed to write JSON value for tensor type: {array.dtype}")
    for size in reversed(array.shape):
        texts = [f"[{', '.join(texts[i : i + size])}]" for i in range(0, len(texts), size)]
    return texts[0]


def decimals(values: NDArray[Any]) -> list[str]:
    """Write each number with the fewest digits that read back as the same number of its type.

    >>> decimals(np.array([999999, 1 / 3, -np.inf], np.float32))
    ['999999.0', '0.33333334', '-Infinity']
    """
    if values.dtype not in (np.float32, np.float64):  # half precision is written as float
        values = values.astype(np.float32)
    # Between these, the shortest text that NumPy writes is in no scientific notation either.
    size = np.abs(values)
    if np.all(((size >= 1e-4) & (size < 1e6)) | (size == 0)):
        return list(values.astype("U").tolist())
    return [_decimal(value) for value in values]


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
