"""Bound the memory of a protobuf message before parsing it.

Two bytes on the wire can become 170 in memory: an empty submessage. So the fields of larger
messages are counted first, without creating them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

# Smaller messages aren't inspected: at worst, they take WORST_EXPANSION times as much memory.
SMALL_BYTES = 16 * 1024
# Measured with protobuf's C library (upb): bytes of memory per byte of a message of empty map
# entries; per submessage or map entry; per string in a list; per number in a packed list, whose
# storage doubles as it grows.
WORST_EXPANSION = 85
_PER_MESSAGE = 192
_PER_STRING = 64
_PER_NUMBER = 32
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_NUMBERS_OF_VARINTS = {
    FieldDescriptor.TYPE_INT32,
    FieldDescriptor.TYPE_INT64,
    FieldDescriptor.TYPE_UINT32,
    FieldDescriptor.TYPE_UINT64,
    FieldDescriptor.TYPE_SINT32,
    FieldDescriptor.TYPE_SINT64,
    FieldDescriptor.TYPE_BOOL,
    FieldDescriptor.TYPE_ENUM,
}


def parsed_bytes(body: bytes, descriptor: Any, *, most: int) -> int:
    """Return an upper bound for the memory of a parsed message, in bytes.

    Args:
        body: The message as sent; it may be malformed.
        descriptor: The descriptor of the message's type.
        most: Stop counting above this.

    >>> from google.protobuf.struct_pb2 import ListValue
    >>> parsed_bytes(bytes([10, 0]) * 50_000, ListValue.DESCRIPTOR, most=2**30)
    9700000
    """
    if len(body) <= SMALL_BYTES:
        return WORST_EXPANSION * len(body)
    total = len(body)
    waiting = [(0, len(body), descriptor)]
    while waiting:
        place, end, kind = waiting.pop()
        fields = _fields(kind)
        while place < end and total <= most:
            tag, place = _varint(body, place)
            per_element, per_byte, inner = fields.get(tag >> 3, (0, 0, None))
            wire_type = tag & 7
            total += per_element
            if wire_type == _LENGTH:
                size, place = _varint(body, place)
                total += per_byte * min(size, end - place)
                if inner is not None:
                    waiting.append((place, min(place + size, end), inner))
                place += size
            elif wire_type == _VARINT:
                _, place = _varint(body, place)
            elif wire_type in (_FIXED32, _FIXED64):
                place += 4 if wire_type == _FIXED32 else 8
            # The rest are groups, which have no size: their fields are counted as the message's.
    return total


@lru_cache(maxsize=256)
def _fields(descriptor: Any) -> dict[int, tuple[int, int, Any]]:
    """Return, by field number, the memory per occurrence and per byte, and the message type."""
    found = {}
    for field in descriptor.fields:
        if field.message_type is not None:
            found[field.number] = (_PER_MESSAGE, 0, field.message_type)
        elif not field.is_repeated:
            found[field.number] = (0, 0, None)
        elif field.type in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES):
            found[field.number] = (_PER_STRING, 0, None)
        else:
            # Packed numbers of a fixed size take as much as on the wire.
            per_byte = _PER_NUMBER // 2 if field.type in _NUMBERS_OF_VARINTS else 1
            found[field.number] = (_PER_NUMBER, per_byte, None)
    return found


def _varint(body: bytes, place: int) -> tuple[int, int]:
    """Read a number; return it and where it ends. Past the end of the message it is 0."""
    number, shift = 0, 0
    while place < len(body):
        byte = body[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
        if shift > 63:
            break
    return number, place
