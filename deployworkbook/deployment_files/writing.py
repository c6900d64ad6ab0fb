"""Write the files to disk, each completely or not at all, and back up what was edited."""

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

# The hashes of what was written: a file that differs was edited.
RECORD = ".deployworkbook-files.json"


@dataclass(frozen=True)
class WrittenFiles:
    """What was written and backed up.

    Args:
        paths: The paths of all files and models within the folder.
        backups: The backups of edited ones, by path within the folder.
    """

    paths: tuple[str, ...]
    backups: Mapping[str, Path]


def write(directory: Path, bundle: Bundle, *, workspace: Workspace) -> WrittenFiles:
    """Write all files and models into a folder.

    Existing files that were edited, or not written by this function, are first copied to the
    workspace's backups. Files of models that are gone are removed.

    Args:
        directory: The folder; created if missing.
        bundle: What to deploy.
        workspace: The workspace whose backups to use.

    Raises:
        NotADirectoryError: The path is a file.
        OSError: The folder can't be written.
    """
    folder = full_path(Path(directory))
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file. Choose a folder.")
    writer = _Writer(folder, workspace)
    for name, text in texts(bundle).items():
        writer.file(name, text)
    for model in bundle.models:
        for version in model.versions:
            writer.version(f"models/{model.name}/{version.number}", version)
    return writer.finish()


class _Writer:
    """One pass over a folder; it knows what an earlier pass wrote."""

    def __init__(self, folder: Path, workspace: Workspace) -> None:
        self._folder = folder
        self._workspace = workspace
        self._before = _recorded(folder)
        self._record: dict[str, str] = {}
        self._backups: dict[str, Path] = {}

    def file(self, name: str, text: str) -> None:
        """Write a file, unless it is up to date."""
        self._record[name] = sha256_of(text.encode())
        known = {self._before.get(name, "")}
        backup = self._workspace.write_keeping_edits(self._folder / name, text, known=known)
        if backup:
            self._backups[name] = backup

    def version(self, name: str, version: PublishedVersion) -> None:
        """Copy a version of a model, unless it is up to date."""
        target = self._folder / name
        self._record[name] = digest(version)
        if _hash(target) == self._record[name]:
            return
        with atomic_folder(target) as unfinished:
            shutil.copytree(version.path, unfinished, dirs_exist_ok=True)
            self._remove(name)

    def finish(self) -> WrittenFiles:
        """Remove what is no longer part of the bundle, and record the rest."""
        for name in sorted(self._before.keys() - self._record.keys()):
            self._remove(name)
        write_atomically(self._folder / RECORD, json.dumps(self._record, indent=1) + "\n")
        return WrittenFiles(tuple(self._record), self._backups)

    def _remove(self, name: str) -> None:
        """Delete a file or folder; if it was edited, move it to the backups instead."""
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
    """Hash a file or a model's folder; return ``None`` if it doesn't exist."""
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
        # Then everything that differs counts as edited and is backed up.
        return {}
    return recorded
