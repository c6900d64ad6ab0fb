"""Apply a patch: bit for bit, or not at all, and with little memory.

The new file is written beside the target and takes its place in one step, once its hash is right.
A kill at any moment leaves the old or the new file; what was already written is used next time.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import zstandard
from filelock import FileLock

from deployworkbook.runtimes.provenance import sha256_of
from deployworkbook.updates.coding import DICTIONARY, decoded, padded_bytes
from deployworkbook.updates.making import dictionary, surroundings
from deployworkbook.updates.patch_file import (
    LENGTH,
    PatchHeader,
    damaged,
    incomplete,
    read_header,
)
from deployworkbook.validation import check_integer, value_error
from deployworkbook.workspace.files import flush, full_path

# A model for a microcontroller has kilobytes, one for a phone hundreds of megabytes.
LIMIT_BYTES = 2**30
# Windows of zstandard's level 19 for blocks of at most 16 MiB, and their dictionaries.
_MOST_WINDOW = 2**27
_CHUNK = 2**16


@dataclass(frozen=True)
class PatchApplied:
    """A file after its update.

    Args:
        path: The new file.
        header: The patch's header.
        is_new: Whether this call changed the file; ``False`` if it was up to date already.
        resumed_bytes: Bytes of the new file that an interrupted call had left.
    """

    path: Path
    header: PatchHeader
    is_new: bool
    resumed_bytes: int


def apply_patch(
    old: Path,
    patch: Path,
    target: Path | None = None,
    *,
    limit_bytes: int = LIMIT_BYTES,
    progress: Callable[[int, int], object] | None = None,
) -> PatchApplied:
    """Turn a file into the next version by a patch.

    Both files' hashes are checked, the old one's before anything is written and the new one's
    before it takes its place. Called again after an interruption, it goes on where it was.

    Args:
        old: The file that the patch is for.
        patch: The patch file.
        target: Where to write the new file (default: in place of the old one).
        limit_bytes: Largest new file to accept. The patch states the size, and not a byte more is
            unpacked.
        progress: Called after each block with the blocks done and the number of blocks.

    Raises:
        FileNotFoundError: A file doesn't exist.
        ValueError: The patch is for another file, incomplete, damaged, or makes too large a file.
            Nothing was changed.

    >>> from tempfile import TemporaryDirectory
    >>> from deployworkbook.updates import make_patch
    >>> with TemporaryDirectory() as folder:
    ...     old, new, patch = (Path(folder, name) for name in ("old", "new", "patch"))
    ...     _, _ = old.write_bytes(b"weights"), new.write_bytes(b"better weights")
    ...     _ = make_patch(old, new, patch)
    ...     applied = apply_patch(old, patch)
    ...     applied.is_new, old.read_bytes()
    (True, b'better weights')
    """
    source, content = full_path(Path(old)), full_path(Path(patch))
    goal = source if target is None else full_path(Path(target))
    most = check_integer("limit_bytes", limit_bytes, 1)
    with content.open("rb") as file:
        header = read_header(file, content)
        start = file.tell()
        _check_size(content, header, most)
        with FileLock(goal.with_name(f".{goal.name}.patch.lock")):
            if goal.exists() and sha256_of(goal) == header.new_sha256:
                return PatchApplied(goal, header, is_new=False, resumed_bytes=0)
            _check_old(source, header)
            _check_payload(file, content, header)
            part = goal.with_name(f".{goal.name}.{header.new_sha256[:16]}.part")
            resumed = _written_blocks(part, header) * header.block_bytes
            while True:
                file.seek(start)
                with source.open("rb") as before:
                    try:
                        found = _write(file, before, part, header, content, progress)
                    except ValueError:
                        # No interruption: the patch itself can't be right.
                        part.unlink()
                        raise
                if found == header.new_sha256:
                    break
                part.unlink()
                if not resumed:
                    raise damaged(content, "it makes another file than it says")
                # The part was of another origin; all of it is made anew, once.
                resumed = 0
            shutil.copymode(goal if goal.exists() else source, part)
            flush(part)
            os.replace(part, goal)
            flush(goal.parent)
    return PatchApplied(goal, header, is_new=True, resumed_bytes=resumed)


def _write(
    file: BinaryIO,
    before: BinaryIO,
    part: Path,
    header: PatchHeader,
    path: Path,
    progress: Callable[[int, int], object] | None,
) -> str:
    """Write the blocks that a part lacks; return the hash of all of them."""
    done = _written_blocks(part, header)
    digest = hashlib.sha256()
    with part.open("r+b" if part.exists() else "x+b") as after:
        for number, frame in enumerate(_frames(file, header, path)):
            first = number * header.block_bytes
            size = min(header.block_bytes, header.new_bytes - first)
            if number < done:
                block = after.read(size)
            else:
                block = _block(frame, before, first, size, header, path)
                after.seek(first)
                after.write(block)
                after.flush()
            digest.update(block)
            if progress is not None:
                progress(number + 1, header.blocks)
        after.truncate(header.new_bytes)
    return digest.hexdigest()


def _block(
    frame: bytes, before: BinaryIO, first: int, size: int, header: PatchHeader, path: Path
) -> bytes:
    coding = header.coding
    around = slice(first, first + header.block_bytes)
    if coding.method == DICTIONARY:
        around = surroundings(first, header.block_bytes)
    before.seek(around.start)
    old_part = before.read(around.stop - around.start)
    words = dictionary(old_part) if coding.method == DICTIONARY else None
    unpacker = zstandard.ZstdDecompressor(dict_data=words, max_window_size=_MOST_WINDOW)
    expected = padded_bytes(size, coding.width)
    try:
        # One byte more than expected shows that there is more; the rest stays packed.
        with unpacker.stream_reader(frame) as reader:
            content = reader.read(expected + 1)
    except zstandard.ZstdError as error:
        raise damaged(path, str(error)) from error
    if len(content) != expected:
        raise damaged(path, f"the block at {first:,} has another size than it says")
    return decoded(old_part, content, coding, size)


def _frames(file: BinaryIO, header: PatchHeader, path: Path) -> Iterator[bytes]:
    left = header.payload_bytes
    for _ in range(header.blocks):
        given = file.read(LENGTH.size)
        length = LENGTH.unpack(given)[0] if len(given) == LENGTH.size else left
        left -= LENGTH.size + length
        # Before reading, because a length may be anything.
        if left < 0:
            raise damaged(path, "a block is longer than the rest")
        yield file.read(length)
    if left:
        raise damaged(path, "there is more after the last block")


def _check_size(path: Path, header: PatchHeader, most: int) -> None:
    if header.new_bytes > most:
        raise value_error(
            str(path),
            received=f"a patch that makes a file of {header.new_bytes:,} bytes",
            expected=f"at most {most:,}",
            remedy="If you trust it, allow more with limit_bytes.",
        )
    present = path.stat().st_size
    if present < header.file_bytes:
        raise incomplete(path, present, header.file_bytes)
    if present > header.file_bytes:
        raise damaged(path, f"it has {present:,} bytes where {header.file_bytes:,} were expected")


def _check_old(source: Path, header: PatchHeader) -> None:
    if sha256_of(source) == header.old_sha256:
        return
    version = f"version {header.old_version}, " if header.old_version else ""
    raise value_error(
        str(source),
        received="another file",
        expected=f"{version}the file of {header.old_bytes:,} bytes with SHA-256 "
        f"{header.old_sha256[:12]}…, which the patch was made from",
        remedy="Take the patch for this version, or the whole new file.",
    )


def _check_payload(file: BinaryIO, path: Path, header: PatchHeader) -> None:
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    if digest.hexdigest() != header.payload_sha256:
        raise damaged(path, "its hash differs")


def _written_blocks(part: Path, header: PatchHeader) -> int:
    """Return how many whole blocks an interrupted call has left."""
    size = part.stat().st_size if part.exists() else 0
    return 0 if size > header.new_bytes else size // header.block_bytes
