"""How many bytes of flash and RAM a linked program takes, by the sections of its ELF file.

Source: "System V Application Binary Interface", chapter 4.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from deployworkbook.validation import value_error

_HEADER = struct.Struct("<16sHHIIIIIHHHHHH")
_SECTION = struct.Struct("<10I")
_WRITABLE, _IN_MEMORY = 1, 2
_NO_CONTENT = 8


@dataclass(frozen=True)
class Sections:
    """Bytes of a program in memory.

    Args:
        code: Instructions (``.text``).
        constants: Tables (``.rodata`` and other content that isn't changed).
        data: Variables that begin with a value: they take RAM, and flash for that value.
        zeroed: Variables that begin with 0 (``.bss``).
    """

    code: int
    constants: int
    data: int
    zeroed: int

    @property
    def flash_bytes(self) -> int:
        """Bytes of flash."""
        return self.code + self.constants + self.data

    @property
    def ram_bytes(self) -> int:
        """Bytes of RAM for variables: without the stack, and without what the caller owns."""
        return self.data + self.zeroed


def read_sections(content: bytes) -> Sections:
    """Add up the sections of a linked program.

    Args:
        content: An ELF file of 32 bits, little-endian.

    Raises:
        ValueError: It is another file.
    """
    if content[:6] != b"\x7fELF\x01\x01":
        expected = "a little-endian ELF file of 32 bits"
        received = f"a file that begins with {content[:6]!r}"
        raise value_error("program", received=received, expected=expected)
    header = _HEADER.unpack_from(content)
    start, count = header[6], header[12]
    rows = [_SECTION.unpack_from(content, start + k * _SECTION.size) for k in range(count)]
    sizes = dict.fromkeys(("code", "constants", "data", "zeroed"), 0)
    for _, kind, flags, _, _, size, *_ in rows:
        if flags & _IN_MEMORY:
            sizes[_kind(kind, flags)] += size
    return Sections(**sizes)


def _kind(kind: int, flags: int) -> str:
    if flags & _WRITABLE:
        return "zeroed" if kind == _NO_CONTENT else "data"
    return "code" if flags & 4 else "constants"


def as_rows(sections: Sections) -> Mapping[str, int]:
    """Return the sections by name, for a table."""
    return vars(sections)
