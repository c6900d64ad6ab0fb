"""A folder put in another's place in one step."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Of Linux's renameat2: paths that are relative are so to the working directory; swap two names.
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2

_OCCUPIED = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR, errno.EACCES)


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder beside ``target`` that replaces it if the block succeeds.

    A reader sees the old folder or the new one, never files of both; of two who write at once, one
    is last, and the folder is wholly that one's. A kill at any moment leaves the old one, and at
    worst a stray ``.tmp`` beside it. Where the system cannot swap two names in one step (any but
    Linux, and some network drives), there is a moment between two renames in which there is none.

    Raises:
        OSError: The folder cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
    temporary.mkdir()
    try:
        yield temporary
        for path in sorted(temporary.rglob("*")):
            if path.is_file():
                with path.open("rb") as written:
                    os.fsync(written.fileno())
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
            old = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
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
