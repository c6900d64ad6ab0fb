"""A patch file: a header of fixed layout, then the blocks of the new file, each compressed.

::

    magic, method, width, block size, sizes of the old file, the new file and the blocks,
    SHA-256 of each of the three, both versions' names, CRC-32 of all this
    per block: its length (4 bytes), a zstandard frame

Nothing in it is executed, and a reader knows every size before it unpacks anything. Numbers are
little-endian. Blocks are independent of each other, so a device needs memory for a few of them, not
for the file, and can go on at the block where it was interrupted.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from deployworkbook.updates.coding import Coding
from deployworkbook.validation import check_encodable, message, value_error

MAGIC = b"DWPATCH1"
LENGTH = struct.Struct("<I")
_FIXED = struct.Struct("<8sBBIQQQ32s32s32sBB")
_CHECK = struct.Struct("<I")
LONGEST_NAME = 255
LEAST_BLOCK, MOST_BLOCK = 2**8, 2**24


@dataclass(frozen=True)
class PatchHeader:
    """What a patch file says of itself.

    Args:
        coding: How the new bytes are described.
        block_bytes: Bytes of the new file per block; the last may be shorter.
        old_bytes: Size of the file that it is for.
        new_bytes: Size of the file that it makes.
        payload_bytes: Size of all blocks.
        old_sha256: Hash of the file that it is for, in hexadecimal digits.
        new_sha256: Hash of the file that it makes.
        payload_sha256: Hash of all blocks.
        old_version: Name of the old version; may be empty.
        new_version: Name of the new version; may be empty.
    """

    coding: Coding
    block_bytes: int
    old_bytes: int
    new_bytes: int
    payload_bytes: int
    old_sha256: str
    new_sha256: str
    payload_sha256: str
    old_version: str = ""
    new_version: str = ""

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return -(-self.new_bytes // self.block_bytes)

    def as_bytes(self) -> bytes:
        """Return the header as it is written."""
        names = [_encoded(name) for name in (self.old_version, self.new_version)]
        fixed = _FIXED.pack(
            MAGIC,
            self.coding.method,
            self.coding.width,
            self.block_bytes,
            self.old_bytes,
            self.new_bytes,
            self.payload_bytes,
            *map(bytes.fromhex, (self.old_sha256, self.new_sha256, self.payload_sha256)),
            *map(len, names),
        )
        content = b"".join((fixed, *names))
        return content + _CHECK.pack(zlib.crc32(content))

    @property
    def file_bytes(self) -> int:
        """Size of the whole patch file."""
        return len(self.as_bytes()) + self.payload_bytes


def read_header(file: BinaryIO, path: Path) -> PatchHeader:
    """Read a patch file's header, and leave the file at its first block.

    Args:
        file: The open file, at its beginning.
        path: Its path, for the error message.

    Raises:
        ValueError: It is no patch, incomplete, damaged, or of a newer workbook.
    """
    fixed = file.read(_FIXED.size)
    if fixed[: len(MAGIC)] != MAGIC[: len(fixed)] or not fixed:
        raise value_error(
            str(path),
            received="another kind of file",
            expected="a patch",
            remedy="Make one with: deployworkbook patch make OLD NEW -o FILE.",
        )
    if len(fixed) < _FIXED.size:
        raise incomplete(path, len(fixed), None)
    _, method, width, block, old, new, payload, *rest = _FIXED.unpack(fixed)
    *hashes, first, second = rest
    names = file.read(first + second)
    check = file.read(_CHECK.size)
    if len(names) + len(check) < first + second + _CHECK.size:
        raise incomplete(path, len(fixed) + len(names) + len(check), None)
    if _CHECK.unpack(check)[0] != zlib.crc32(fixed + names):
        raise damaged(path, "its header's checksum differs")
    header = PatchHeader(
        Coding(method, width),
        block_bytes=block,
        old_bytes=old,
        new_bytes=new,
        payload_bytes=payload,
        old_sha256=hashes[0].hex(),
        new_sha256=hashes[1].hex(),
        payload_sha256=hashes[2].hex(),
        old_version=names[:first].decode("utf-8", "replace"),
        new_version=names[first:].decode("utf-8", "replace"),
    )
    if not header.coding.is_known:
        raise ValueError(
            message(
                str(path),
                received=f"method {method} of width {width}",
                expected="one that this version of the workbook knows",
                remedy="Install a newer version of deployworkbook.",
            )
        )
    if not LEAST_BLOCK <= block <= MOST_BLOCK:
        raise damaged(path, f"blocks of {block:,} bytes")
    return header


def incomplete(path: Path, present: int, expected: int | None) -> ValueError:
    """Return the error for a patch of which a part is missing."""
    whole = "a whole patch" if expected is None else f"{expected:,} bytes"
    return value_error(
        str(path),
        received=f"{present:,} bytes",
        expected=whole,
        remedy="The download is incomplete: continue it.",
    )


def damaged(path: Path, reason: str) -> ValueError:
    """Return the error for a patch whose content can't be right."""
    return ValueError(f"{path} is damaged ({reason}). Nothing was changed. Download it again.")


def _encoded(name: str) -> bytes:
    content = check_encodable("version", name).encode()
    if len(content) > LONGEST_NAME:
        raise value_error(
            "version", received=f"{len(content)} bytes", expected=f"at most {LONGEST_NAME}"
        )
    return content
