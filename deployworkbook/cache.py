"""Results that take long to make, kept on disk: made once, whole or not at all.

Two processes that want the same result make it once: the second waits for the first. A kill at any
moment leaves the old result or none. What is found damaged is set aside, never deleted.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from deployworkbook.workspace import set_aside

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
) -> tuple[T, bool]:
    """Load a result from its folder, after building it there if it is missing or damaged.

    Args:
        folder: The result's own; its name carries the key of what it depends on.
        build: Writes the result's files into the empty folder that it is given.
        load: Reads the result from the folder that it is given.
        notice: Told, in a sentence, that it waits for another process or found damage.

    Returns:
        The result, and whether it was built now.

    Raises:
        OSError: The folder cannot be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_name(f".{folder.name}.lock"))
    try:
        lock.acquire(timeout=0.2)
    except Timeout:
        notice(f"Another process is making {folder.name}; {WAITING}")
        lock.acquire()
    try:
        if folder.exists() and (damage := _damage(folder)):
            aside = set_aside(folder)
            notice(f"{folder} is damaged: {damage}. It was moved to {aside.name} and is made anew.")
        built = not folder.exists()
        if built:
            _build(folder, build)
        return load(folder), built
    finally:
        lock.release()


def _build(folder: Path, build: Callable[[Path], None]) -> None:
    # The lock is held, so any such folder is what a killed process left.
    for stale in folder.parent.glob(f".{folder.name}.*.tmp"):
        shutil.rmtree(stale)
    temporary = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.tmp")
    temporary.mkdir()
    try:
        build(temporary)
        files = [path for path in sorted(temporary.rglob("*")) if path.is_file()]
        manifest = {path.relative_to(temporary).as_posix(): _sha256(path) for path in files}
        (temporary / MANIFEST).write_text(json.dumps(manifest, indent=1))
        for path in [*files, temporary / MANIFEST]:
            with path.open("rb") as written:
                os.fsync(written.fileno())
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _damage(folder: Path) -> str:
    """Say what is wrong with a result's files; empty if nothing is."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        for name, expected in manifest.items():
            if _sha256(folder / name) != expected:
                return f"{name} has changed"
    except (OSError, ValueError, AttributeError) as error:
        return str(error)
    return ""


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
