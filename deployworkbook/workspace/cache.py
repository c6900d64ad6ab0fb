"""A cache on disk for results that take long to build; each is stored completely or not at all.

If two processes want the same result, one builds it and the other waits. Loading takes no lock and
writes nothing, so a folder can be shared with people who may only read it. A kill at any moment
leaves the old result or none. Damaged results are set aside, never deleted.

Results of a workspace are first looked for among the shared models, if the environment names some
(``shared``); those are only read.

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
from deployworkbook.workspace.manifest import MANIFEST as MANIFEST
from deployworkbook.workspace.manifest import damage_of, write_manifest
from deployworkbook.workspace.notices import Notice, notify
from deployworkbook.workspace.shared import read_shared, shared_place, tell_missing

T = TypeVar("T")

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
    shareable: bool = True,
) -> tuple[T, bool]:
    """Load a result from its folder; build it first if it is missing or damaged.

    A result of a workspace's ``models`` is loaded from the shared models instead, if they have it.

    Args:
        folder: The result's folder; its name should include the key of its settings.
        build: Function that writes the result's files into the empty folder it receives.
        load: Function that reads the result from the folder it receives, without executing
            anything in it. If it raises ``ValueError``, the result is rebuilt.
        notice: Function called with a sentence when waiting for another process, on damage, and
            if the result is built although there are shared models.
        waiting: Function called several times per second while waiting; an exception ends the wait.
        shareable: Whether the shared models are looked at; not for results that are programs.

    Returns:
        The result, and whether this call built it.

    Raises:
        OSError: The result must be built, and the folder is not writable.
    """
    shared = shared_place(folder, notice) if shareable else None
    if shared is not None and (given := read_shared(shared, load, notice)):
        return given[0], False
    while True:
        before = _identity(folder)
        found = _read(folder, load)
        if not isinstance(found, str):
            return found[0], False
        if shared is not None and not shared.exists():
            tell_missing(shared, notice)
        with _turn_to_build(folder, before, notice, waiting) as is_ours:
            if not is_ours:
                continue  # another process has built it: load it beside others that waited
            if folder.exists():
                aside = set_aside(folder)
                notice(f"{folder} is damaged: {found}. Moved it to {aside.name}; rebuilding it.")
            _build(folder, build)
            return load(folder), True


def is_kept(folder: Path) -> bool:
    """Tell whether a result need not be built, unless it turns out to be damaged.

    Args:
        folder: The result's folder.
    """
    shared = shared_place(folder, lambda text: None)
    return folder.is_dir() or (shared is not None and shared.is_dir())


def _read(folder: Path, load: Callable[[Path], T]) -> tuple[T] | str:
    """Load a complete result without locking or writing; otherwise return what is wrong."""
    if not folder.is_dir():
        return "it is missing"
    if damage := damage_of(folder):
        return damage
    try:
        return (load(folder),)
    except (ValueError, KeyError, TypeError, FileNotFoundError) as error:
        return str(error)


def _identity(folder: Path) -> tuple[int, int] | None:
    """Return what differs when a folder is replaced by another one; ``None`` if it is missing."""
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


@contextmanager
def _turn_to_build(
    folder: Path,
    before: tuple[int, int] | None,
    notice: Notice,
    waiting: Callable[[], object] | None,
) -> Iterator[bool]:
    """Hold the lock that lets only one process build, unless another one builds meanwhile.

    Those that waited must not load one after the other, each under the lock.

    Args:
        folder: The result's folder.
        before: Its identity when it was missing or damaged.
        notice: Function called with a sentence when waiting.
        waiting: Function called several times per second while waiting.

    Yields:
        Whether to build; if not, there is a result to try.

    Raises:
        OSError: The folder is not writable.
    """

    def has_arrived() -> bool:
        return _identity(folder) not in (None, before)

    lock = FileLock(folder.with_name(f".{folder.name}.lock"))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0.2)
        except Timeout:
            notice(f"Another process is building {folder.name}; {WAITING}")
        while not lock.is_locked and not has_arrived():
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
        yield lock.is_locked and not has_arrived()
    finally:
        lock.release()


def _build(folder: Path, build: Callable[[Path], None]) -> None:
    # We hold the lock, so any such folder was left by a killed process.
    for stale in folder.parent.glob(f".{folder.name}.*.tmp"):
        shutil.rmtree(stale)
    with atomic_folder(folder) as temporary:
        build(temporary)
        write_manifest(temporary)
