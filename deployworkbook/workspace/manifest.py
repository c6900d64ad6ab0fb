"""Hashes of a result's files, by which damage is noticed before anything is read.

They detect damage, not malice: whoever can write a result can also write its hashes.
"""

from __future__ import annotations

import json
import stat
from pathlib import Path

from deployworkbook.workspace.folder import sha256_of_file

MANIFEST = "manifest.json"

# TensorFlow runs what is in these: they may hold programs, not only numbers.
PROGRAMS = ("saved_model.pb", "saved_model.pbtxt")

# Far more than the hashes of any result take.
MAX_MANIFEST_BYTES = 10_000_000


def write_manifest(folder: Path) -> None:
    """Write the hashes of all files of a folder into it, in place of those that it has."""
    (folder / MANIFEST).unlink(missing_ok=True)
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    hashes = {path.relative_to(folder).as_posix(): sha256_of_file(path) for path in files}
    (folder / MANIFEST).write_text(json.dumps(hashes, indent=1))


def damage_of(folder: Path) -> str:
    """Return what is wrong with a result's files; empty if nothing is.

    Raises:
        PermissionError: A file can't be read.
    """
    try:
        for name, expected in _hashes(folder).items():
            path = folder / name
            # Only the result's own files: reading a device, for example, would never end.
            if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
                return f"{name} is missing"
            if sha256_of_file(path) != expected:
                return f"{name} has changed"
    except PermissionError:
        raise
    except (OSError, ValueError, AttributeError, TypeError) as error:
        return str(error)
    return ""


def foreign_damage_of(folder: Path) -> str:
    """Return what is wrong with a result that somebody else has put there; empty if nothing is.

    Besides unchanged files, it takes that the manifest lists each of them, and that all are plain:
    a link could lead out of the folder, and reading a device or a pipe would never end. None may
    be a SavedModel, which is a program. Hidden files, as some systems leave them in folders, need
    not be listed.
    """
    try:
        manifest = folder / MANIFEST
        if not stat.S_ISREG(manifest.lstat().st_mode):
            return f"{MANIFEST} is not a plain file"
        if manifest.stat().st_size > MAX_MANIFEST_BYTES:
            return f"{MANIFEST} has more than {MAX_MANIFEST_BYTES:,} bytes"
        listed = _hashes(folder)
        for path in folder.rglob("*"):
            mode, name = path.lstat().st_mode, path.relative_to(folder).as_posix()
            if stat.S_ISDIR(mode):
                continue
            if not stat.S_ISREG(mode):
                return f"{name} is not a plain file"
            if path.name in PROGRAMS:
                return f"{name} can hold a program"
            if name not in listed and path != manifest and not path.name.startswith("."):
                return f"{MANIFEST} doesn't list {name}"
        return damage_of(folder)
    except (OSError, ValueError, AttributeError, TypeError) as error:
        return str(error)


def _hashes(folder: Path) -> dict[str, str]:
    hashes = json.loads((folder / MANIFEST).read_text())
    if not isinstance(hashes, dict):
        raise TypeError(f"{MANIFEST} doesn't contain names and hashes")
    return hashes
