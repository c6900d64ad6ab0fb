"""Results that take long to make, kept on disk: made once, whole or not at all.

Two processes that want the same result make it once: the second waits for the first. Loading what
is there takes no lock and writes nothing, so that a folder may be shared with people who can only
read it. A kill at any moment leaves the old result or none. What is found damaged is set aside,
never deleted.

A manifest of hashes shows damage, not intent: whoever can write a result can write its hashes. So
``load`` must treat the files as data, and never run what they hold.
"""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from deployworkbook.workspace.files import atomic_folder, set_aside
from deployworkbook.workspace.folder import ENVIRONMENT_VARIABLE

T = TypeVar("T")

MANIFEST = "manifest.json"

# How the notice ends that another process is at work.
WAITING = "waiting for it."


def key_of(settings: Mapping[str, object]) -> str:
    """Hash the settings that a result depends on; equal settings give equal keys.

    Args:
        settings: Values that JSON can carry.

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
    notice: Callable[[str], None] = print,
    waiting: Callable[[], object] | None = None,
) -> tuple[T, bool]:
    """Load a result from its folder, after building it there if it is missing or damaged.

    Args:
        folder: The result's own; its name carries the key of what it depends on.
        build: Writes the result's files into the empty folder that it is given.
        load: Reads the result from the folder that it is given, and runs nothing of it; raises
            ``ValueError`` where the files are not what they should be, and the result is made anew.
        notice: Told, in a sentence, that it waits for another process or found damage.
        waiting: Called several times a second while it waits; an exception ends the waiting.

    Returns:
        The result, and whether it was built now.

    Raises:
        OSError: The result must be made, and the folder cannot be written.
    """
    found = _read(folder, load)
    if not isinstance(found, str):
        return found[0], False
    with _only_builder(folder, notice, waiting):
        # Another process may have made it meanwhile.
        found = _read(folder, load)
        if not isinstance(found, str):
            return found[0], False
        if folder.exists():
            aside = set_aside(folder)
            notice(f"{folder} is damaged: {found}. It was moved to {aside.name} and is made anew.")
        _build(folder, build)
        return load(folder), True


def _read(folder: Path, load: Callable[[Path], T]) -> tuple[T] | str:
    """Load a whole result, without a lock and without writing; else say what is wrong."""
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
    folder: Path, notice: Callable[[str], None], waiting: Callable[[], object] | None
) -> Iterator[None]:
    """Hold the lock that lets one process at a time build.

    Raises:
        OSError: The folder cannot be written.
    """
    lock = FileLock(folder.with_name(f".{folder.name}.lock"))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0.2)
        except Timeout:
            notice(f"Another process is making {folder.name}; {WAITING}")
            _wait_for(lock, waiting)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise PermissionError(
                error.errno,
                f"{folder.name} is not there, or not whole, and {folder.parent} cannot be written. "
                f"Let {ENVIRONMENT_VARIABLE} name a folder of your own",
                str(folder.parent),
            ) from error
        raise
    try:
        yield
    finally:
        lock.release()


def _wait_for(lock: FileLock, waiting: Callable[[], object] | None) -> None:
    if waiting is None:
        lock.acquire()
        return
    while True:
        waiting()
        try:
            lock.acquire(timeout=0.2)
        except Timeout:
            continue
        return


def _build(folder: Path, build: Callable[[Path], None]) -> None:
    # The lock is held, so any such folder is what a killed process left.
    for stale in folder.parent.glob(f".{folder.name}.*.tmp"):
        shutil.rmtree(stale)
    with atomic_folder(folder) as temporary:
        build(temporary)
        files = [path for path in sorted(temporary.rglob("*")) if path.is_file()]
        manifest = {path.relative_to(temporary).as_posix(): _sha256(path) for path in files}
        (temporary / MANIFEST).write_text(json.dumps(manifest, indent=1))


def _damage(folder: Path) -> str:
    """Say what is wrong with a result's files; empty if nothing is."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        for name, expected in manifest.items():
            path = folder / name
            # Only files of the result itself: a device, say, would never end.
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
