"""Read a 32-bit ELF file: what goes into which memory, where it starts, and its sections.

Source: "System V Application Binary Interface", chapters 4 and 5.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from deployworkbook.validation import value_error

_HEADER = struct.Struct("<16sHHIIIIIHHHHHH")
_SEGMENT = struct.Struct("<8I")
_SECTION = struct.Struct("<10I")
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
    _, _, _, _, entry, start, _, _, _, _, count, *_ = _header(content)
    with _whole():
        found = sorted(_segments(content, start, count), key=lambda segment: segment.address)
    return Binary(tuple(found), entry)


def read_section_headers(content: bytes) -> list[tuple[int, int, int]]:
    """Read what a linked program says of its sections.

    Args:
        content: An ELF file of 32 bits, little-endian.

    Returns:
        Type, flags and bytes of each section.

    Raises:
        ValueError: It is another file, or damaged.
    """
    _, _, _, _, _, _, start, _, _, _, _, _, count, _ = _header(content)
    with _whole():
        rows = [_SECTION.unpack_from(content, start + k * _SECTION.size) for k in range(count)]
    return [(kind, flags, size) for _, kind, flags, _, _, size, *_ in rows]


def _header(content: bytes) -> tuple[Any, ...]:
    if len(content) < _HEADER.size or content[:6] != b"\x7fELF\x01\x01":
        raise value_error(
            "program",
            received=f"a file of {len(content)} bytes that begins with {content[:6]!r}",
            expected="a little-endian ELF file of 32 bits",
        )
    return _HEADER.unpack_from(content)


@contextlib.contextmanager
def _whole() -> Iterator[None]:
    """Say that a file is damaged if its tables end too early."""
    try:
        yield
    except struct.error as error:
        raise value_error(
            "program",
            received="a damaged ELF file",
            expected="a whole one",
            remedy="Compile it again.",
        ) from error


def _segments(content: bytes, start: int, count: int) -> Iterator[Segment]:
    for number in range(count):
        kind, at, address, _, size, in_memory, flags, _ = _SEGMENT.unpack_from(
            content, start + number * _SEGMENT.size
        )
        if kind == _LOADED and in_memory:
            yield Segment(address, content[at : at + size], in_memory, bool(flags & _WRITABLE))
