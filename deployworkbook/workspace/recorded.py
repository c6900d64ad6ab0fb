"""A folder of files that a command writes again and again, and its user edits in between."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deployworkbook.workspace.files import full_path, write_atomically
from deployworkbook.workspace.folder import Workspace, sha256_of

# The hashes of what was written: a file that differs was edited.
RECORD = ".deployworkbook-files.json"


@dataclass(frozen=True)
class WrittenFiles:
    """What was written and backed up.

    Args:
        paths: The paths of everything written, within the folder.
        backups: The backups of edited files, by path within the folder.
    """

    paths: tuple[str, ...]
    backups: Mapping[str, Path]


class RecordedFolder:
    """One pass over a folder; it knows what an earlier pass wrote.

    Files that were edited, or that no pass wrote, are copied to the workspace's backups before they
    are replaced.

    Args:
        directory: The folder; created if missing.
        workspace: The workspace whose backups to use.

    Raises:
        NotADirectoryError: The path is a file.
    """

    def __init__(self, directory: Path, workspace: Workspace) -> None:
        self.folder = full_path(Path(directory))
        if self.folder.exists() and not self.folder.is_dir():
            raise NotADirectoryError(f"{self.folder} is a file. Choose a folder.")
        self._workspace = workspace
        self._before = _recorded(self.folder)
        self._record: dict[str, str] = {}
        self._backups: dict[str, Path] = {}

    def file(self, name: str, text: str) -> None:
        """Write a file, unless it is up to date."""
        self._record[name] = sha256_of(text.encode())
        known = {self._before.get(name, "")}
        backup = self._workspace.write_keeping_edits(self.folder / name, text, known=known)
        if backup:
            self._backups[name] = backup

    def finish(self) -> WrittenFiles:
        """Remove what is no longer written, and record the rest."""
        for name in sorted(self._before.keys() - self._record.keys()):
            self._remove(name)
        write_atomically(self.folder / RECORD, json.dumps(self._record, indent=1) + "\n")
        return WrittenFiles(tuple(self._record), self._backups)

    def _remove(self, name: str) -> None:
        """Delete a file; if it was edited, move it to the backups instead."""
        path = self.folder / name
        found = self._hash(path)
        if found is None:
            return
        if found != self._before.get(name):
            self._backups[name] = self._workspace.move_to_backups(path)
        else:
            self._delete(path)

    def _hash(self, path: Path) -> str | None:
        """Hash a file; return ``None`` if it doesn't exist."""
        return sha256_of(path.read_bytes()) if path.is_file() else None

    def _delete(self, path: Path) -> None:
        path.unlink()


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
