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

from deployworkbook.serving.embedded.budget import Account
from deployworkbook.serving.embedded.errors import Code, ServingError, cut, invalid
from deployworkbook.serving.embedded.json_numbers import Numbers, decoded_bytes
from deployworkbook.serving.embedded.json_pieces import read_object

INDENT = 4
# Longer documents are read a piece at a time.
LARGEST_WHOLE_BYTES = 256 * 1024
# So many values are written at a time: NumPy's texts take 128 bytes each.
_PIECE = 8192
# Of a text: its pieces, the array's text, the answer's, and its bytes.
_COPIES = 4
# "\u0000" is what a byte can become.
_LONGEST_ESCAPE = 6
# An error quotes what was sent, and what was sent can be long.
LONGEST_QUOTE = 512
_HALF_OF_A_PAIR = re.compile(r"\\u[dD][89a-fA-F]")
_SPACE = re.compile(r"[ \t\n\r]*")
_SPACE_AND_BRACE = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\n\r]*\{")
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
    Numbers: "Array",
}


def parse_object(body: bytes, account: Account) -> dict[str, Any]:
    """Read a request's body, which has to start with a JSON object.

    As RapidJSON does: bytes after the document are ignored, ``NaN``, ``Inf`` and ``Infinity`` are
    numbers, and a number beyond a double's range is an error.

    Args:
        body: The text.
        account: What the request may take.

    Returns:
        The object. If the body is longer than ``LARGEST_WHOLE_BYTES``, arrays of numbers in it
        can be ``Numbers``.

    Raises:
        ServingError: It is no JSON, nested too deeply, or another value; or it takes too much
            memory.

    >>> from deployworkbook.serving.embedded.budget import MemoryBudget
    >>> account = MemoryBudget(request_bytes=2**20, in_flight_bytes=2**20).account()
    >>> parse_object(b'{"inputs": [-Inf]} and more', account)
    {'inputs': [-inf]}
    """
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    try:
        brace = _brace(body) if len(body) > LARGEST_WHOLE_BYTES else -1
        if brace >= 0:
            return read_object(body, brace, _decode, account)
        account.reserve(decoded_bytes(body), "the document")
        value = _decode(body)
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


def _decode(body: bytes) -> Any:
    value, text = _first_value(body)
    if _HALF_OF_A_PAIR.search(text):
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _brace(body: bytes) -> int:
    """Find the brace that an object starts with; -1 where a body starts with something else."""
    found = _SPACE_AND_BRACE.match(body)
    return found.end() - 1 if found else -1


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


_QUOTES = json.JSONEncoder(indent=INDENT, ensure_ascii=False, default=Numbers.head)


def quote(value: Any) -> str:
    """Write a value for an error's text; long ones are cut."""
    text = ""
    for piece in _QUOTES.iterencode(value):
        text += piece
        if len(text) > LONGEST_QUOTE:
            break
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
        texts = decimals(array.ravel())
    else:
        raise invalid(f"Failed to write JSON value for tensor type: {array.dtype}")
    for size in reversed(array.shape):
        texts = [f"[{', '.join(texts[i : i + size])}]" for i in range(0, len(texts), size)]
    return texts[0]


def written_bytes(array: NDArray[Any]) -> int:
    """Bound what an array takes as text, with the copies that are made of it on its way out.

    >>> written_bytes(np.zeros(3, np.int8)) >= 4 * len("[0, 0, 0]")
    True
    """
    # An empty axis has no values, but the others have brackets.
    count: int = math.prod(max(size, 1) for size in array.shape)
    if array.dtype == object:
        return _COPIES * (8 * count + _LONGEST_ESCAPE * sum(map(len, array.ravel().tolist())))
    digits = {1: 6, 2: 18, 4: 18}.get(array.dtype.itemsize, 26)
    rows = count // max(array.shape[-1], 1) if array.ndim else 0
    return _COPIES * (digits * count + 4 * rows)


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
