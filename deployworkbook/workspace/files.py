"""Files and folders written whole or not at all, synced to the disk, and never lost.

Each write goes to a temporary name beside the target, is flushed to the disk, and takes the
target's name in one step. A kill at any moment leaves the old content, and at worst a stray
``.tmp`` beside it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

# Of Linux's renameat2: paths that are relative are so to the working directory; swap two names.
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2

_OCCUPIED = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR, errno.EACCES)


def full_path(path: Path) -> Path:
    """Resolve a path that a user gave: ``~``, links and what is relative.

    Raises:
        OSError: Links lead in a circle, or no user has the name after ``~``.

    >>> full_path(Path("/a/../b")).as_posix()
    '/b'
    """
    try:
        return path.expanduser().resolve()
    except (RuntimeError, OSError) as error:  # which of them depends on Python's version
        reason = str(error).rstrip(".")
        if isinstance(error, OSError) and error.strerror:
            reason = error.strerror
        raise OSError(f"{path} leads nowhere: {reason}. Choose another path.") from error


def check_writable(path: Path) -> None:
    """Make sure, before long work, that its result can be written to a file; make its folder.

    Args:
        path: The file; what it holds is left as it is.

    Raises:
        OSError: A folder stands there, a file stands in its folder's place, a name is too long, or
            the folder cannot be written.
    """
    path = full_path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, where a file was expected. Name a file.")
    path.parent.mkdir(parents=True, exist_ok=True)
    probe = _beside(path)
    try:
        probe.touch()
    finally:
        probe.unlink(missing_ok=True)


def timestamp() -> str:
    """The present second in UTC, as used in names of files: ``20261123T184029``."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S")


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` that replaces it if the block succeeds.

    A reader sees the old file or the new one, never a part.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _beside(path)
    try:
        yield temporary
        flush(temporary)
        if path.exists():
            shutil.copymode(path, temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write ``content`` to ``path`` by :func:`atomic_path`; text is stored as UTF-8."""
    data = content.encode() if isinstance(content, str) else content
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder beside ``target`` that replaces it if the block succeeds.

    A reader sees the old folder or the new one, never files of both; of two who write at once, one
    is last, and the folder is wholly that one's. Where the system cannot swap two names in one
    step (any but Linux, and some network drives), there is a moment between two renames in which
    there is none.

    Raises:
        OSError: The folder cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = _beside(target)
    temporary.mkdir()
    try:
        yield temporary
        for path in sorted(temporary.rglob("*")):
            if path.is_file():
                flush(path)
        _replace(target, temporary)
    finally:
        _remove(temporary)


def _replace(target: Path, new: Path) -> None:
    """Put ``new`` in the place of ``target``; what was there may be left under new's name."""
    for _ in range(100):
        try:
            new.rename(target)
            return
        except OSError as error:
            if error.errno not in _OCCUPIED:
                raise
            # What stood in the way may be gone by now: another one is just replacing it.
            if error.errno == errno.EACCES and not target.exists():
                raise
        try:
            if exchange(new, target):
                return
            old = _beside(target)
            target.rename(old)
        except FileNotFoundError:
            continue  # another one is just putting its own there
        try:
            new.rename(target)
            return
        except OSError as error:
            if error.errno not in _OCCUPIED:
                raise
        finally:
            _remove(old)
    raise OSError(errno.EBUSY, "too many others write at once", str(target))


def exchange(first: Path, second: Path) -> bool:
    """Swap the names of two files or folders in one step; say whether the system can.

    Raises:
        FileNotFoundError: One of them is not there.
        OSError: It may not be done.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        return False
    names = os.fsencode(first), os.fsencode(second)
    if libc.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.EINVAL, errno.ENOSYS):
        return False
    raise OSError(number, os.strerror(number), str(second))


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def set_aside(path: Path) -> Path:
    """Rename a damaged file or folder so that a new one can be made; return its new path."""
    return moved_to_free_name(path, path.parent, "damaged")


def free_names(folder: Path, path: Path, label: str = "") -> Iterator[Path]:
    """Propose names in ``folder`` for a copy of ``path``: with the time, then numbered.

    Raises:
        FileExistsError: All were taken.
    """
    stem = f"{path.stem}-{label}-{timestamp()}" if label else f"{path.stem}-{timestamp()}"
    for attempt in range(1000):
        yield folder / f"{stem}{f'-{attempt}' if attempt else ''}{path.suffix}"
    raise FileExistsError(f"{folder} holds 1000 copies of {path.name} from this second.")


def moved_to_free_name(path: Path, folder: Path, label: str) -> Path:
    """Rename ``path`` to a name in ``folder`` that is free; return it."""
    target = next(each for each in free_names(folder, path, label) if not each.exists())
    return Path(shutil.move(path, target))


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
