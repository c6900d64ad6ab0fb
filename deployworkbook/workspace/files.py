"""Atomic, synced writes of files and folders.

Each write goes to a temporary name beside the target, is synced to disk, and is then renamed to the
target in one step. A kill at any moment leaves the old content and at worst a stray ``.tmp``.
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

# Arguments of Linux's renameat2: resolve paths from the working directory; swap two names.
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2

# The permissions of a file that only its owner may read.
OWNER_ONLY = 0o600

_OCCUPIED = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR, errno.EACCES)


def full_path(path: Path) -> Path:
    """Resolve a path given by a user: expand ``~``, follow links, make it absolute.

    Raises:
        OSError: The links form a loop, or there is no user of the name after ``~``.

    >>> full_path(Path("/a/../b")).as_posix()
    '/b'
    """
    try:
        return path.expanduser().resolve()
    except (RuntimeError, OSError) as error:  # which one depends on Python's version
        reason = str(error).rstrip(".")
        if isinstance(error, OSError) and error.strerror:
            reason = error.strerror
        raise OSError(f"{path} can't be resolved: {reason}. Choose another path.") from error


def check_writable(path: Path) -> None:
    """Check before a long job that its result can be written; create the parent folder.

    Args:
        path: The file to write later; its content is left unchanged.

    Raises:
        OSError: The path is a folder, its parent is a file, a name is too long, or the parent
            folder is not writable.
    """
    path = full_path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, but a file was expected. Name a file.")
    path.parent.mkdir(parents=True, exist_ok=True)
    probe = _beside(path)
    try:
        probe.touch()
    finally:
        probe.unlink(missing_ok=True)


def timestamp() -> str:
    """Return the current UTC time for use in file names, such as ``20261123T184029``."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S")


@contextmanager
def atomic_path(path: Path, *, private: bool = False) -> Iterator[Path]:
    """Yield a temporary path that replaces ``path`` if the block succeeds.

    Readers see the old file or the new one, never a partial one.

    Args:
        path: The file.
        private: Whether only its owner may read it, from its first byte on: for keys and tokens.
            Otherwise it keeps the permissions of the file it replaces.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _beside(path)
    try:
        if private:
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, OWNER_ONLY))
        yield temporary
        flush(temporary)
        if path.exists() and not private:
            shutil.copymode(path, temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomically(path: Path, content: bytes | str, *, private: bool = False) -> None:
    """Write ``content`` to ``path`` with ``atomic_path``; text is encoded as UTF-8."""
    data = content.encode() if isinstance(content, str) else content
    with atomic_path(path, private=private) as temporary:
        temporary.write_bytes(data)


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Yield an empty temporary folder that replaces ``target`` if the block succeeds.

    Readers see the old folder or the new one, never a mixture; of two concurrent writers, the last
    one wins entirely. Where the system can't swap two names in one step (outside Linux, and on
    some network drives), the folder is missing for a moment between two renames.

    Raises:
        OSError: The folder is not writable.
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
    """Replace ``target`` by ``new``; the old content may be left under the name of ``new``."""
    for _ in range(100):
        try:
            new.rename(target)
            return
        except OSError as error:
            if error.errno not in _OCCUPIED:
                raise
            # The obstacle may be gone by now, because another writer is replacing it.
            if error.errno == errno.EACCES and not target.exists():
                raise
        try:
            if exchange(new, target):
                return
            old = _beside(target)
            target.rename(old)
        except FileNotFoundError:
            continue  # another writer is replacing it right now
        try:
            new.rename(target)
            return
        except OSError as error:
            if error.errno not in _OCCUPIED:
                raise
        finally:
            _remove(old)
    raise OSError(errno.EBUSY, "too many concurrent writers", str(target))


def exchange(first: Path, second: Path) -> bool:
    """Swap the names of two files or folders in one step; return whether the system can.

    Raises:
        FileNotFoundError: One of them does not exist.
        OSError: The swap is not permitted.
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
    """Sync a file, or a folder's entries, to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def set_aside(path: Path) -> Path:
    """Rename a damaged file or folder to make room for a new one; return its new path."""
    return moved_to_free_name(path, path.parent, "damaged")


def free_names(folder: Path, path: Path, label: str = "") -> Iterator[Path]:
    """Yield candidate names in ``folder`` for a copy of ``path``: time-stamped, then numbered.

    Raises:
        FileExistsError: All candidates were taken.
    """
    stem = f"{path.stem}-{label}-{timestamp()}" if label else f"{path.stem}-{timestamp()}"
    for attempt in range(1000):
        yield folder / f"{stem}{f'-{attempt}' if attempt else ''}{path.suffix}"
    raise FileExistsError(f"{folder} already has 1000 copies of {path.name} from this second.")


def moved_to_free_name(path: Path, folder: Path, label: str) -> Path:
    """Move ``path`` to a free name in ``folder``; return its new path."""
    target = next(each for each in free_names(folder, path, label) if not each.exists())
    return Path(shutil.move(path, target))


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
