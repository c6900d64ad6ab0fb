"""Read large JSON documents in pieces, and turn arrays of numbers into NumPy arrays right away.

Python's parser creates an object of about 40 bytes per number and holds the GIL until it is done.
This one first finds brackets and commas, one window of the text at a time, and then parses what
lies between them in pieces. Each piece lets other requests run, and its memory is reserved first.
"""

from __future__ import annotations

import json
import re
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.serving.embedded.budget import Account
from deployworkbook.serving.embedded.json_numbers import (
    DICT_BYTES,
    Decode,
    Numbers,
    array_of,
    decoded_bytes,
)

Array = NDArray[Any]
WINDOW_BYTES = 64 * 1024
# About the limit of Python's own parser.
DEEPEST = 900
# A pause between pieces, so that a thread waiting for the GIL gets it.
_PAUSE_S = 0.0002
# One piece at a time, however many large documents there are: otherwise they would have the GIL
# most of the time, and small requests would wait.
_turn = threading.Lock()

_LIST, _DICT, _LIST_END, _DICT_END, _COMMA, _QUOTE = range(1, 7)
_CODES = np.zeros(256, np.uint8)
_CODES[[ord(each) for each in '[{]},"']] = range(1, 7)
_STEPS = np.array([0, 1, 1, -1, -1, 0, 0], np.int64)
_BACKSLASH = ord("\\")
_BLANK = re.compile(rb"[ \t\n\r]*")
_KEY = re.compile(rb'[ \t\n\r]*("(?:[^"\\]|\\.)*")[ \t\n\r]*:[ \t\n\r]*', re.DOTALL)


def read_object(text: bytes, start: int, decode: Decode, account: Account) -> dict[str, Any]:
    """Read the JSON object that starts at a position; ignore what follows it.

    Args:
        text: The text, in UTF-8.
        start: The position of the object's brace.
        decode: Parses a piece: a whole array or object.
        account: The request's memory.

    Returns:
        The object, with ``Numbers`` in place of large arrays of numbers.

    Raises:
        json.JSONDecodeError: The text isn't JSON; ``decode`` may raise other errors.
        RecursionError: The text is nested too deeply.
        ServingError: It takes too much memory, or the client has given up.
    """
    return _Reader(text, start, decode, account).read()


@dataclass
class _Open:
    """An array or object whose end hasn't been reached."""

    kind: int
    start: int
    members: dict[str, Any] = field(default_factory=dict)
    key: str = ""
    parts: list[tuple[Any, int, int]] = field(default_factory=list)


class _Reader:
    def __init__(self, text: bytes, start: int, decode: Decode, account: Account) -> None:
        self._text = text
        self._decode = decode
        self._account = account
        self._stack = [_Open(_DICT, start)]
        self._scanned = self._place = start + 1
        self._in_string = 0
        self._depth = 1
        self._where: Array = np.zeros(0, np.int64)
        self._codes = self._depths = self._where

    def read(self) -> dict[str, Any]:
        after_comma = after_value = False
        token = 0
        while True:
            if token == len(self._where):
                self._scan()
                token = 0
                continue
            depth, top = len(self._stack), self._stack[-1]
            depths, codes = self._depths[token:], self._codes[token:]
            if after_value and depths[0] >= depth:
                self._expect_blank(self._place, self._where[token], "Expecting ',' delimiter")
                if codes[0] != _COMMA:
                    place = self._offset(self._where[token])
                    raise json.JSONDecodeError("Expecting ',' delimiter", "", place)
                self._place, after_comma, after_value = int(self._where[token]) + 1, True, False
                token += 1
                continue
            ends = np.flatnonzero(depths < depth)
            commas = (
                np.flatnonzero((codes == _COMMA) & (depths == depth)) if not len(ends) else ends
            )
            if len(ends):  # the rest of this array or object
                token += int(ends[0])
                end = int(self._where[token])
                if after_value:
                    self._expect_blank(self._place, end, "Expecting ',' delimiter")
                else:
                    self._add(top, end, needed=after_comma)
                if self._codes[token] != top.kind + (_LIST_END - _LIST):
                    raise json.JSONDecodeError("Expecting ',' delimiter", "", self._offset(end))
                value = self._closed(top, end + 1)
                self._stack.pop()
                if not self._stack:
                    return top.members
                self._put(self._stack[-1], value, top.start, end + 1)
                after_value, after_comma = True, False
            elif len(commas):  # elements up to the last comma in this window
                token += int(commas[-1])
                end = int(self._where[token])
                self._add(top, end, needed=True)
                after_comma = True
            else:  # an element that continues in the next window
                end = int(self._where[token])
                self._begin(top, end)
                self._account.reserve(DICT_BYTES, "the document")
                self._stack.append(_Open(int(codes[0]), end))
                if len(self._stack) > DEEPEST:
                    raise RecursionError
                after_comma = False
            self._place = end + 1
            token += 1

    def _scan(self) -> None:
        """Find the brackets and commas outside strings in the next window."""
        start, size = self._scanned, len(self._text)
        if start == size:
            raise json.JSONDecodeError("The document ends too early", "", self._offset(size))
        end = min(start + WINDOW_BYTES, size)
        while end < size and self._text[end - 1] == _BACKSLASH:
            end += 1
        self._scanned = end
        block = np.frombuffer(self._text, np.uint8, end - start, start)
        codes = _CODES[block]
        where = np.flatnonzero(codes)
        codes = codes[where]
        quotes = codes == _QUOTE
        if self._in_string or quotes.any():
            ends_string = quotes & ~_escaped(block)[where]
            inside = (np.cumsum(ends_string) + self._in_string) & 1
            self._in_string = int(inside[-1]) if len(inside) else self._in_string
            kept = ~quotes & (inside == 0)
            where, codes = where[kept], codes[kept]
        self._where, self._codes = where + start, codes
        self._depths = self._depth + np.cumsum(_STEPS[codes])
        self._depth = int(self._depths[-1]) if len(where) else self._depth

    def _add(self, top: _Open, end: int, *, needed: bool) -> None:
        """Parse whole elements, from the current position to another."""
        start = self._place
        piece = self._text[start:end]
        if _BLANK.fullmatch(piece):
            if needed:
                raise json.JSONDecodeError("Expecting value", "", self._offset(end))
            return
        size_bytes = decoded_bytes(piece)
        self._account.reserve(size_bytes, "the document")
        with _turn:
            if top.kind == _DICT:
                top.members.update(self._parsed(b"{" + piece + b"}", start))
            else:
                values = self._parsed(b"[" + piece + b"]", start)
                array = array_of(values)
                if array is not None:
                    self._account.release(size_bytes)
                    self._account.reserve(array.nbytes, "the document")
                top.parts.append((values if array is None else array, start, end))
        time.sleep(_PAUSE_S)

    def _parsed(self, piece: bytes, start: int) -> Any:
        try:
            return self._decode(piece)
        except json.JSONDecodeError as error:
            # Don't count the bracket that was added in front.
            place = self._offset(start) + error.pos - 1
            raise json.JSONDecodeError(error.msg, "", max(0, place)) from error
        except UnicodeDecodeError as error:
            place = start + error.start - 1
            raise UnicodeDecodeError("utf-8", self._text, place, place + 1, error.reason) from error

    def _begin(self, top: _Open, end: int) -> None:
        """Read what precedes a bracket: nothing, or a key."""
        if top.kind == _LIST:
            self._expect_blank(self._place, end, "Expecting ',' delimiter")
            return
        found = _KEY.fullmatch(self._text, self._place, end)
        if not found:
            offset = self._offset(self._place)
            raise json.JSONDecodeError("Expecting property name and ':'", "", offset)
        (top.key,) = self._parsed(b"[" + found[1] + b"]", found.start(1))

    def _put(self, top: _Open, value: Any, start: int, end: int) -> None:
        if top.kind == _DICT:
            top.members[top.key] = value
        elif isinstance(value, Numbers):
            top.parts.append((value.array[np.newaxis], start, end))
        else:
            top.parts.append(([value], start, end))

    def _closed(self, top: _Open, end: int) -> Any:
        if top.kind == _DICT:
            return top.members
        arrays = [values for values, _, _ in top.parts if isinstance(values, np.ndarray)]
        if arrays and len(arrays) == len(top.parts):
            array = self._joined(arrays)
            if array is not None:
                return Numbers(array, self._text, top.start, end, self._decode, self._account)
        values: list[Any] = []
        for part, start, stop in top.parts:
            if isinstance(part, np.ndarray):  # the whole array isn't regular
                piece = b"[" + self._text[start:stop] + b"]"
                self._account.reserve(decoded_bytes(piece), "the document")
                part = self._parsed(piece, start)
            values += part
        return values

    def _joined(self, arrays: list[Array]) -> Array | None:
        if len(arrays) == 1:
            return arrays[0]
        if len({array.shape[1:] for array in arrays}) > 1:
            return None
        kinds = {array.dtype.kind for array in arrays}
        kind = max(kinds, key="iuf".index)
        if kind == "u" and "i" in kinds:
            signed = (array for array in arrays if array.dtype.kind == "i" and array.size)
            if any(array.min() < 0 for array in signed):
                return None
        held = sum(array.nbytes for array in arrays)
        self._account.reserve(held, "the document")
        joined = np.concatenate(arrays, dtype=f"{kind}8", casting="unsafe")
        self._account.release(held)
        return joined

    def _expect_blank(self, start: int, end: int, text: str) -> None:
        if not _BLANK.fullmatch(self._text, start, end):
            raise json.JSONDecodeError(text, "", self._offset(start))

    def _offset(self, place: int) -> int:
        """Return the number of characters before a byte."""
        return len(self._text[:place].decode("utf-8", "replace"))


def _escaped(block: Array) -> Array:
    """Mark each byte that follows an odd number of backslashes."""
    back: Array = block == _BACKSLASH
    if not back.any():
        return back
    places = np.arange(len(block))
    last_other = np.maximum.accumulate(np.where(back, -1, places))
    escaped: Array = np.zeros(len(block), bool)
    escaped[1:] = (places - last_other)[:-1] % 2 == 1
    return escaped
