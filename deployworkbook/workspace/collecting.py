"""Which complete results a folder of models has, and copying them into another such folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deployworkbook.workspace.files import atomic_folder, set_aside
from deployworkbook.workspace.manifest import MANIFEST, foreign_damage_of

# What everybody may read, whatever the umask.
OPEN_FOLDER, OPEN_FILE = 0o755, 0o644


@dataclass(frozen=True)
class Result:
    """A complete result in a folder of models.

    Args:
        name: Its path below that folder.
        size_bytes: Total size of its files, in bytes.
    """

    name: str
    size_bytes: int


def results_in(models: Path) -> list[Result]:
    """List the complete, undamaged results of a folder of models, by name.

    Exported variants, locks and unfinished builds are none.

    Args:
        models: The folder; it need not exist.
    """
    return [_result(models, place) for place in _places(models) if not foreign_damage_of(place)]


def collect(
    source: Path, target: Path, *, open_to_all: bool = False, seen: set[str] | None = None
) -> list[Result]:
    """Copy those results that another folder of models lacks; each arrives whole or not at all.

    A damaged one in the target is set aside.

    Args:
        source: The folder with the results, only read.
        target: The folder to copy to.
        open_to_all: Whether everybody may read the copies, whatever the umask.
        seen: Names of results that earlier calls have dealt with; this one adds to it.

    Returns:
        What was copied.

    Raises:
        OSError: The target is not writable.
    """
    known: set[str] = set() if seen is None else seen
    copied = []
    for place in _places(source):
        result = _result(source, place)
        if result.name in known or foreign_damage_of(place):
            continue
        known.add(result.name)
        new = target / result.name
        if new.is_dir() and not foreign_damage_of(new):
            continue
        if new.exists():
            set_aside(new)
        with atomic_folder(new) as temporary:
            shutil.copytree(place, temporary, copy_function=shutil.copyfile, dirs_exist_ok=True)
            if open_to_all:
                open_up(temporary)
        copied.append(result)
    return copied


def open_up(folder: Path) -> None:
    """Let everybody read a folder and all that is in it; only its owner may write."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(OPEN_FOLDER if path.is_dir() else OPEN_FILE)


def closed_to_others(folder: Path) -> Path | None:
    """Return the uppermost folder on a path that other users can't enter; ``None`` if all can."""
    for each in (*reversed(folder.parents), folder):
        if not each.stat().st_mode & 0o001:
            return each
    return None


def _places(models: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(models):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if MANIFEST in files:
            folders.clear()
            yield Path(root)


def _result(models: Path, place: Path) -> Result:
    sizes = [path.stat().st_size for path in place.rglob("*") if path.is_file()]
    return Result(place.relative_to(models).as_posix(), sum(sizes))
