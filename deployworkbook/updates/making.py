"""Make a patch between two files: try every coding, keep the smallest."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import zstandard

from deployworkbook.updates.coding import CODINGS, DICTIONARY, Coding, encoded
from deployworkbook.updates.patch_file import LEAST_BLOCK, LENGTH, MOST_BLOCK, PatchHeader
from deployworkbook.validation import check_integer
from deployworkbook.workspace.files import write_atomically

BLOCK_BYTES = 2**20
LEVEL = 19
# To choose between codings; the few best are then compressed at ``LEVEL``.
FAST_LEVEL, BEST = 3, 3


@dataclass(frozen=True)
class PatchSizes:
    """A patch's size, and what else the update could have been.

    Args:
        patch_bytes: Size of the patch file.
        coding: How it describes the new bytes: the smallest way.
        full_bytes: Size of the new file.
        full_compressed_bytes: Size of the new file, compressed in the same way without the old one:
            what a patch has to be compared with.
        by_coding: Bytes of all blocks by coding, the smallest first; codings that a faster
            compression ruled out are missing.
        bsdiff_bytes: Size of bsdiff4's patch, which ``make_patch`` compares with its own; ``None``
            from ``measure_patch``, and where that package isn't installed.
    """

    patch_bytes: int
    coding: str
    full_bytes: int
    full_compressed_bytes: int
    by_coding: Mapping[str, int]
    bsdiff_bytes: int | None

    @property
    def share(self) -> float:
        """The patch's size as a share of the compressed new file's."""
        return self.patch_bytes / max(1, self.full_compressed_bytes)


@dataclass(frozen=True)
class PatchMade:
    """A patch file.

    Args:
        path: The file.
        header: What it says of itself.
        sizes: Its size, and what else the update could have been.
    """

    path: Path
    header: PatchHeader
    sizes: PatchSizes


def make_patch(
    old: Path,
    new: Path,
    target: Path,
    *,
    old_version: str = "",
    new_version: str = "",
    block_bytes: int = BLOCK_BYTES,
) -> PatchMade:
    """Write a patch that turns one file into another.

    Args:
        old: The file that devices have.
        new: The file that they shall get.
        target: The patch file to write.
        old_version: Name of the old version, for messages; at most 255 bytes.
        new_version: Name of the new version.
        block_bytes: Bytes of the new file per block, from 256 to 16 MiB. Applying takes memory for
            a few blocks, and smaller blocks compress less.

    Raises:
        FileNotFoundError: A file doesn't exist.
        ValueError: A number is out of range, or a name is too long.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     old, new, patch = (Path(folder, name) for name in ("old", "new", "patch"))
    ...     _, _ = old.write_bytes(bytes(10_000)), new.write_bytes(bytes(9_999) + b"!")
    ...     made = make_patch(old, new, patch, old_version="1", new_version="2")
    ...     made.sizes.patch_bytes == patch.stat().st_size < 200
    True
    """
    before, after = Path(old).read_bytes(), Path(new).read_bytes()
    patch = _smallest(before, after, block_bytes, old_version, new_version)
    write_atomically(Path(target), patch.header.as_bytes() + patch.payload)
    return PatchMade(
        Path(target), patch.header, _sizes(after, patch, beside=bsdiff_bytes(before, after))
    )


def measure_patch(old: bytes, new: bytes) -> PatchSizes:
    """Return what a patch from one content to another would take, without writing it.

    bsdiff4's patch isn't made beside it: that would take as long again.

    Args:
        old: Content of the old file.
        new: Content of the new file.

    >>> sizes = measure_patch(bytes(10_000), bytes(9_999) + b"!")
    >>> sizes.coding, sizes.patch_bytes < 200
    ('XOR', True)
    """
    return _sizes(new, _smallest(old, new, BLOCK_BYTES, "", ""), beside=None)


def compressed_bytes(content: bytes) -> int:
    """Return the size of a whole file, compressed as well as patches are.

    Args:
        content: The file's content.

    >>> compressed_bytes(bytes(10_000)) < 100
    True
    """
    return len(zstandard.ZstdCompressor(level=LEVEL).compress(content))


def bsdiff_bytes(old: bytes, new: bytes) -> int | None:
    """Return the size of bsdiff4's patch; ``None`` where that package isn't installed.

    Args:
        old: Content of the old file.
        new: Content of the new file.

    Source: C. Percival, "Naive differences of executable code", 2003.
    """
    try:
        # By name, because the workbook works without it.
        bsdiff4 = importlib.import_module("bsdiff4")
    except ImportError:
        return None
    return len(bsdiff4.diff(old, new))


@dataclass(frozen=True)
class _Patch:
    header: PatchHeader
    payload: bytes
    by_coding: Mapping[str, int]


def _sizes(new: bytes, patch: _Patch, *, beside: int | None) -> PatchSizes:
    return PatchSizes(
        patch_bytes=patch.header.file_bytes,
        coding=str(patch.header.coding),
        full_bytes=len(new),
        full_compressed_bytes=compressed_bytes(new),
        by_coding=patch.by_coding,
        bsdiff_bytes=beside,
    )


def _smallest(
    old: bytes, new: bytes, block_bytes: int, old_version: str, new_version: str
) -> _Patch:
    size = check_integer("block_bytes", block_bytes, LEAST_BLOCK, MOST_BLOCK)
    quick = {coding: len(_payload(old, new, coding, size, FAST_LEVEL)) for coding in CODINGS}
    best = sorted(quick, key=lambda coding: quick[coding])[:BEST]
    payloads = {coding: _payload(old, new, coding, size, LEVEL) for coding in best}
    order = sorted(best, key=lambda coding: (len(payloads[coding]), CODINGS.index(coding)))
    payload = payloads[order[0]]
    header = PatchHeader(
        order[0],
        block_bytes=size,
        old_bytes=len(old),
        new_bytes=len(new),
        payload_bytes=len(payload),
        old_sha256=sha256(old).hexdigest(),
        new_sha256=sha256(new).hexdigest(),
        payload_sha256=sha256(payload).hexdigest(),
        old_version=old_version,
        new_version=new_version,
    )
    return _Patch(header, payload, {str(coding): len(payloads[coding]) for coding in order})


def _payload(old: bytes, new: bytes, coding: Coding, block_bytes: int, level: int) -> bytes:
    """Compress a file block by block."""
    blocks = []
    for first in range(0, len(new), block_bytes):
        last = first + block_bytes
        around = surroundings(first, block_bytes)
        old_part = old[around if coding.method == DICTIONARY else slice(first, last)]
        frame = _compressor(coding, old_part, level).compress(
            encoded(old_part, new[first:last], coding)
        )
        blocks += [LENGTH.pack(len(frame)), frame]
    return b"".join(blocks)


def surroundings(first: int, block_bytes: int) -> slice:
    """Return the part of an old file that is a dictionary for a block: its neighbours too.

    Args:
        first: Where the block begins.
        block_bytes: Its size.
    """
    return slice(max(0, first - block_bytes), first + 2 * block_bytes)


def dictionary(content: bytes) -> zstandard.ZstdCompressionDict | None:
    """Return a part of the old file as a dictionary; ``None`` if it is too short for one.

    Args:
        content: Bytes of the old file.
    """
    if len(content) < 8:
        return None
    return zstandard.ZstdCompressionDict(content, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


def _compressor(coding: Coding, old_part: bytes, level: int) -> zstandard.ZstdCompressor:
    words = dictionary(old_part) if coding.method == DICTIONARY else None
    # The patch has hashes of its own, and the reader knows each block's size.
    return zstandard.ZstdCompressor(
        level=level, dict_data=words, write_checksum=False, write_content_size=False
    )
