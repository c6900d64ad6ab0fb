"""JSON as the REST API reads it: request bodies, base64, and values quoted in errors."""

from __future__ import annotations

import base64
import binascii
import codecs
import json
import math
import re
from typing import Any

import orjson

from deployworkbook.serving.embedded.budget import Account
from deployworkbook.serving.embedded.errors import ServingError, cut, invalid
from deployworkbook.serving.embedded.json_numbers import Numbers, decoded_bytes
from deployworkbook.serving.embedded.json_pieces import read_object

INDENT = 4
# Longer documents are read in pieces.
LARGEST_WHOLE_BYTES = 256 * 1024
# Errors quote what was sent, which can be long.
LONGEST_QUOTE = 512
_HALF_OF_A_PAIR = re.compile(r"\\u[dD][89a-fA-F]")
# Every whole number of 18 digits fits into 64 bits.
_MANY_DIGITS = b"0" * 19
_DIGITS_AS_ZEROS = bytes(ord("0") if byte in b"0123456789" else ord(" ") for byte in range(256))
_SPACE = re.compile(r"[ \t\n\r]*")
_SPACE_AND_BRACE = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\n\r]*\{")
# RapidJSON accepts these too. The pattern also matches strings, to skip what is in them.
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
    """Parse a request's body, which must start with a JSON object.

    As in RapidJSON, bytes after the document are ignored, ``NaN``, ``Inf`` and ``Infinity`` are
    numbers, and a number beyond a double's range is an error.

    Args:
        body: The body.
        account: The request's memory.

    Returns:
        The object. If the body is longer than ``LARGEST_WHOLE_BYTES``, arrays of numbers in it
        can be ``Numbers``.

    Raises:
        ServingError: The body isn't a JSON object, is nested too deeply, or takes too much memory.

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
        raise format_error(value, "Is not object")
    return value


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits} is beyond a double's range")
    return number


_DECODER = json.JSONDecoder(parse_float=_finite)


def _decode(body: bytes) -> Any:
    """Parse a document: with orjson where it gives what RapidJSON does, else with Python's parser.

    orjson rounds whole numbers beyond 64 bits, so it doesn't get any with so many digits. What it
    refuses (``NaN``, bytes after the document, errors) is read again.
    """
    if _MANY_DIGITS not in body.translate(_DIGITS_AS_ZEROS):
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            pass
    value, text = _first_value(body)
    if _HALF_OF_A_PAIR.search(text):
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _brace(body: bytes) -> int:
    """Find the brace that starts an object; -1 if the body starts with something else."""
    found = _SPACE_AND_BRACE.match(body)
    return found.end() - 1 if found else -1


def _first_value(body: bytes) -> tuple[Any, str]:
    """Parse the document that a body starts with; return its value and its text."""
    body = body.removeprefix(codecs.BOM_UTF8)
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        # The bad byte may come after the end of the document.
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
    """Convert an offset in the text with Python's spellings to one in the text that was sent."""
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
    """Write a value for an error message; cut long ones."""
    text = ""
    for piece in _QUOTES.iterencode(value):
        text += piece
        if len(text) > LONGEST_QUOTE:
            break
    return cut(text, LONGEST_QUOTE, "...(truncated)")


def kind_of(value: Any) -> str:
    """Name the kind of a JSON value, as in error messages.

    >>> kind_of(True), kind_of(2.5)
    ('True', 'Number')
    """
    return str(value) if isinstance(value, bool) else _KINDS[type(value)]


def format_error(value: Any, text: str) -> ServingError:
    """Make an error that quotes a value and says what is wrong with it."""
    return invalid(f"JSON Value: {quote(value)} {text}")


def type_error(value: Any, wanted: str) -> ServingError:
    """Make the error for a value of the wrong type."""
    return format_error(value, f"Type: {kind_of(value)} is not of expected type: {wanted}")


def is_base64(value: Any) -> bool:
    """Return whether a value is ``{"b64": text}``, which stands for bytes."""
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def decode_base64(value: Any) -> bytes:
    """Decode the bytes of ``{"b64": text}``.

    Raises:
        ServingError: The value is something else, or its text isn't base64.
    """
    if not is_base64(value):
        raise format_error(value, "not formatted correctly for base64 data")
    text = "".join(value["b64"].split()).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid("Unable to base64 decode") from error
