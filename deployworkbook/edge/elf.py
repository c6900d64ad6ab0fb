"""Read a 32-bit ELF file: what goes into which memory, and where it starts.

Source: "System V Application Binary Interface", chapters 4 and 5.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from deployworkbook.validation import value_error

_HEADER = struct.Struct("<16sHHIIIIIHHHHHH")
_SEGMENT = struct.Struct("<8I")
_LOADED, _WRITABLE = 1, 2


@dataclass(frozen=True)
class Segment:
    """A piece of memory that a program needs.

    Args:
        address: Where it begins.
        content: Bytes that it begins with; the rest is 0.
        size: Its bytes in memory.
        writable: Whether the program changes it: RAM rather than flash.
    """

    address: int
    content: bytes
    size: int
    writable: bool


@dataclass(frozen=True)
class Binary:
    """A linked program of 32 bits.

    Args:
        segments: Its memory, by address.
        entry: Address of the function that it begins with; odd for Thumb code.
    """

    segments: tuple[Segment, ...]
    entry: int


def read_elf(content: bytes) -> Binary:
    """Read a linked program.

    Args:
        content: An ELF file of 32 bits, little-endian.

    Raises:
        ValueError: It is another file, or damaged.
    """
    if len(content) < _HEADER.size or content[:6] != b"\x7fELF\x01\x01":
        expected = "a little-endian ELF file of 32 bits"
        raise value_error("program", received=f"a file of {len(content)} bytes", expected=expected)
    _, _, _, _, entry, start, _, _, _, _, count, *_ = _HEADER.unpack_from(content)
    try:
        found = sorted(_segments(content, start, count), key=lambda segment: segment.address)
    except struct.error as error:
        raise value_error(
            "program",
            received="a damaged ELF file",
            expected="a whole one",
            remedy="Compile it again.",
        ) from error
    return Binary(tuple(found), entry)


def _segments(content: bytes, start: int, count: int) -> Iterator[Segment]:
    for number in range(count):
        kind, at, address, _, size, in_memory, flags, _ = _SEGMENT.unpack_from(
            content, start + number * _SEGMENT.size
        )
        if kind == _LOADED and in_memory:
            yield Segment(address, content[at : at + size], in_memory, bool(flags & _WRITABLE))
