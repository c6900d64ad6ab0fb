"""Files on the disk: whole or not at all, and what was edited since the last time is kept."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deployworkbook.deployment_files.bundle import Bundle, digest
from deployworkbook.deployment_files.texts import texts
from deployworkbook.serving.repository.published import PublishedVersion
from deployworkbook.workspace.files import atomic_folder, full_path, write_atomically
from deployworkbook.workspace.folder import Workspace, sha256_of

# What was written, and its hashes: whatever differs from them is somebody's edit.
RECORD = ".deployworkbook-files.json"


@dataclass(frozen=True)
class WrittenFiles:
    """What has become of the files.

    Args:
        paths: All files and models, by their paths within the folder.
        backups: Where edited ones have been kept, by their paths.
    """

    paths: tuple[str, ...]
    backups: Mapping[str, Path]


def write(directory: Path, bundle: Bundle, *, workspace: Workspace) -> WrittenFiles:
    """Write all files and models into a folder.

    What is there and was edited, or was not written by this function, is first copied into the
    workspace's backups. What was written for models that are gone is removed.

    Args:
        directory: The folder; made if missing.
        bundle: What is deployed.
        workspace: Where backups go.

    Raises:
        NotADirectoryError: A file stands in the folder's place.
        OSError: It cannot be written.
    """
    folder = full_path(Path(directory))
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file. Name a folder.")
    writer = _Writer(folder, workspace)
    for name, text in texts(bundle).items():
        writer.file(name, text)
    for model in bundle.models:
        for version in model.versions:
            writer.version(f"models/{model.name}/{version.number}", version)
    return writer.finish()


class _Writer:
    """One pass over a folder; it knows what an earlier one has written."""

    def __init__(self, folder: Path, workspace: Workspace) -> None:
        self._folder = folder
        self._workspace = workspace
        self._before = _recorded(folder)
        self._record: dict[str, str] = {}
        self._backups: dict[str, Path] = {}

    def file(self, name: str, text: str) -> None:
        """Write a file, unless it is there already."""
        self._record[name] = sha256_of(text.encode())
        known = {self._before.get(name, "")}
        backup = self._workspace.write_keeping_edits(self._folder / name, text, known=known)
        if backup:
            self._backups[name] = backup

    def version(self, name: str, version: PublishedVersion) -> None:
        """Copy a version of a model, unless it is there already."""
        target = self._folder / name
        self._record[name] = digest(version)
        if _hash(target) == self._record[name]:
            return
        with atomic_folder(target) as unfinished:
            shutil.copytree(version.path, unfinished, dirs_exist_ok=True)
            self._remove(name)

    def finish(self) -> WrittenFiles:
        """Remove what is no longer wanted, and record what is."""
        for name in sorted(self._before.keys() - self._record.keys()):
            self._remove(name)
        write_atomically(self._folder / RECORD, json.dumps(self._record, indent=1) + "\n")
        return WrittenFiles(tuple(self._record), self._backups)

    def _remove(self, name: str) -> None:
        """Delete what is as it was written; move what was edited into the backups."""
        path = self._folder / name
        found = _hash(path)
        if found is None:
            return
        if found != self._before.get(name):
            self._backups[name] = self._workspace.move_to_backups(path)
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _hash(path: Path) -> str | None:
    """Hash what is there; ``None`` where nothing is."""
    if path.is_dir():
        return digest(PublishedVersion(0, path))
    return sha256_of(path.read_bytes()) if path.is_file() else None


def _recorded(folder: Path) -> dict[str, str]:
    path = folder / RECORD
    try:
        recorded: dict[str, str] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        # Then all that differs counts as edited, and is kept.
        return {}
    return recorded
