"""A cache on disk for results that take long to build; each is stored completely or not at all.

If two processes want the same result, one builds it and the other waits. Loading takes no lock and
writes nothing, so a folder can be shared with people who may only read it. A kill at any moment
leaves the old result or none. Damaged results are set aside, never deleted.

The manifest of hashes detects damage, not malice: whoever can write a result can also write its
hashes. So ``load`` must treat the files as data and never execute anything in them.
"""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from deployworkbook.workspace.files import atomic_folder, set_aside
from deployworkbook.workspace.folder import ENVIRONMENT_VARIABLE
from deployworkbook.workspace.notices import Notice, notify

T = TypeVar("T")

MANIFEST = "manifest.json"

# The end of the notice that another process is building the result.
WAITING = "waiting for it."


def key_of(settings: Mapping[str, object]) -> str:
    """Hash the settings that a result depends on; equal settings give equal keys.

    Args:
        settings: Values that JSON can encode.

    >>> key_of({"epochs": 5, "seed": 0}) == key_of({"seed": 0, "epochs": 5})
    True
    """
    text = json.dumps(settings, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def build_once(
    folder: Path,
    *,
    build: Callable[[Path], None],
    load: Callable[[Path], T],
    notice: Notice = notify,
    waiting: Callable[[], object] | None = None,
) -> tuple[T, bool]:
    """Load a result from its folder; build it first if it is missing or damaged.

    Args:
        folder: The result's folder; its name should include the key of its settings.
        build: Function that writes the result's files into the empty folder it receives.
        load: Function that reads the result from the folder it receives, without executing
            anything in it. If it raises ``ValueError``, the result is rebuilt.
        notice: Function called with a sentence when waiting for another process, or on damage.
        waiting: Function called several times per second while waiting; an exception ends the wait.

    Returns:
        The result, and whether this call built it.

    Raises:
        OSError: The result must be built, and the folder is not writable.
    """
    found = _read(folder, load)
    if not isinstance(found, str):
        return found[0], False
    with _only_builder(folder, notice, waiting):
        # Another process may have built it in the meantime.
        found = _read(folder, load)
        if not isinstance(found, str):
            return found[0], False
        if folder.exists():
            aside = set_aside(folder)
            notice(f"{folder} is damaged: {found}. Moved it to {aside.name}; rebuilding it.")
        _build(folder, build)
        return load(folder), True


def _read(folder: Path, load: Callable[[Path], T]) -> tuple[T] | str:
    """Load a complete result without locking or writing; otherwise return what is wrong."""
    if not folder.is_dir():
        return "it is missing"
    if damage := _damage(folder):
        return damage
    try:
        return (load(folder),)
    except (ValueError, KeyError, TypeError, FileNotFoundError) as error:
        return str(error)


@contextmanager
def _only_builder(
    folder: Path, notice: Notice, waiting: Callable[[], object] | None
) -> Iterator[None]:
    """Hold the lock that lets only one process build.

    Raises:
        OSError: The folder is not writable.
    """
    lock = FileLock(folder.with_name(f".{folder.name}.lock"))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0.2)
        except Timeout:
            notice(f"Another process is building {folder.name}; {WAITING}")
        while not lock.is_locked:
            if waiting is not None:
                waiting()
            with suppress(Timeout):
                lock.acquire(timeout=0.2)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise PermissionError(
                error.errno,
                f"{folder.name} is missing or incomplete, and {folder.parent} is not writable. "
                f"Set {ENVIRONMENT_VARIABLE} to a folder of your own",
                str(folder.parent),
            ) from error
        raise
    try:
        yield
    finally:
        lock.release()


def _build(folder: Path, build: Callable[[Path], None]) -> None:
    # We hold the lock, so any such folder was left by a killed process.
    for stale in folder.parent.glob(f".{folder.name}.*.tmp"):
        shutil.rmtree(stale)
    with atomic_folder(folder) as temporary:
        build(temporary)
        files = [path for path in sorted(temporary.rglob("*")) if path.is_file()]
        manifest = {path.relative_to(temporary).as_posix(): _sha256(path) for path in files}
        (temporary / MANIFEST).write_text(json.dumps(manifest, indent=1))


def _damage(folder: Path) -> str:
    """Return what is wrong with a result's files; empty if nothing is."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        for name, expected in manifest.items():
            path = folder / name
            # Only the result's own files: reading a device, for example, would never end.
            if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
                return f"{name} is missing"
            if _sha256(path) != expected:
                return f"{name} has changed"
    except PermissionError:
        raise
    except (OSError, ValueError, AttributeError, TypeError) as error:
        return str(error)
    return ""


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
