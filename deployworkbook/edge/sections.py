"""How many bytes of flash and RAM a linked program takes, by the sections of its ELF file.

Source: "System V Application Binary Interface", chapter 4.
"""

from __future__ import annotations

from dataclasses import dataclass

from deployworkbook.edge.elf import read_section_headers

# Flags of a section, and the type of one that takes no bytes in the file.
_WRITABLE, _IN_MEMORY, _CODE = 1, 2, 4
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
        ValueError: It is another file, or damaged.
    """
    sizes = dict.fromkeys(("code", "constants", "data", "zeroed"), 0)
    for kind, flags, size in read_section_headers(content):
        if flags & _IN_MEMORY:
            sizes[_kind(kind, flags)] += size
    return Sections(**sizes)


def _kind(kind: int, flags: int) -> str:
    if flags & _WRITABLE:
        return "zeroed" if kind == _NO_CONTENT else "data"
    return "code" if flags & _CODE else "constants"
