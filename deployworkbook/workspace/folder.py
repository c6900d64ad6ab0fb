"""Where a learner's notebooks, models and ledger live.

A workspace is one folder::

    lessons as .ipynb    the learner's own copies
    ledger.sqlite        every measurement
    models/              trained models, cached
    published/           versions of models that servers offer, a folder a model
    logs/                what model servers have said
    backups/             what a command replaced
    .deployworkbook/     the workbook's own records; also marks the folder as a workspace
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from deployworkbook.workspace.files import (
    free_names,
    full_path,
    moved_to_free_name,
    write_atomically,
)

ENVIRONMENT_VARIABLE = "DEPLOYWORKBOOK_HOME"
MARKER = ".deployworkbook"

# Only the owner may look in: answers, measurements and edited lessons say what somebody did, and
# when. A folder that was there keeps the rights that its owner gave it, and what is made to be
# shared, models and published versions, follows the umask: `chmod 755` on the workspace shares it.
PRIVATE = 0o700

# Set for every process of a headless run, each run's to a value of its own.
RUN_VARIABLE = "DEPLOYWORKBOOK_RUN"


@dataclass(frozen=True)
class Workspace:
    """The folder that holds all that a learner owns.

    Args:
        root: The folder; it need not exist yet.
    """

    root: Path

    @property
    def ledger_path(self) -> Path:
        """The SQLite file of all measurements."""
        return self.root / "ledger.sqlite"

    @property
    def models(self) -> Path:
        """The folder of trained models."""
        return self.root / "models"

    @property
    def published(self) -> Path:
        """The folder of published models: a folder each, which holds a folder a version."""
        return self.root / "published"

    @property
    def logs(self) -> Path:
        """The folder of what model servers have said."""
        return self.root / "logs"

    @property
    def backups(self) -> Path:
        """The folder of files that a command has replaced."""
        return self.root / "backups"

    @property
    def records(self) -> Path:
        """The folder of the workbook's own records."""
        return self.root / MARKER

    def create(self) -> Workspace:
        """Make the folder and its marker where they are missing; return itself.

        A folder that is made now is its owner's alone; one that is there keeps its rights.

        Raises:
            NotADirectoryError: A file stands where the folder should be.
            PermissionError: The folder cannot be written.
        """
        if self.root.exists() and not self.root.is_dir():
            raise NotADirectoryError(
                f"{self.root} is a file, where a folder for the workspace was expected. "
                "Name another folder."
            )
        self.root.parent.mkdir(parents=True, exist_ok=True)
        self.root.mkdir(mode=PRIVATE, exist_ok=True)
        self.records.mkdir(mode=PRIVATE, exist_ok=True)
        return self

    def back_up(self, path: Path) -> Path:
        """Copy a file into the backups under a name that is not taken; return the copy."""
        for target in free_names(self._backups(), path):
            try:
                with target.open("xb") as copy, path.open("rb") as original:
                    shutil.copyfileobj(original, copy)
            except FileExistsError:
                continue
            return target
        raise AssertionError("free_names ends with an error")

    def move_to_backups(self, path: Path) -> Path:
        """Move a file or folder into the backups under a name that is not taken; return that."""
        return moved_to_free_name(path, self._backups(), path.parent.name)

    def write_keeping_edits(
        self, path: Path, content: bytes | str, *, known: Collection[str] = ()
    ) -> Path | None:
        """Write a file atomically; first back up what stands there and is somebody's edit.

        Args:
            path: The file; one that holds ``content`` already is left as it is.
            content: Text is stored as UTF-8.
            known: SHA-256 of what earlier calls have written there: no edit, so not backed up.

        Returns:
            The backup, if one was made.

        Raises:
            OSError: The file or the backup cannot be written.
        """
        data = content.encode() if isinstance(content, str) else content
        found = path.read_bytes() if path.exists() else None
        if found == data:
            return None
        is_edit = found is not None and sha256_of(found) not in known
        backup = self.back_up(path) if is_edit else None
        write_atomically(path, data)
        return backup

    def _backups(self) -> Path:
        self.root.mkdir(parents=True, exist_ok=True)
        self.backups.mkdir(mode=PRIVATE, exist_ok=True)
        return self.backups


def current_workspace() -> Workspace:
    """Find the workspace that this process works in.

    The folder that ``DEPLOYWORKBOOK_HOME`` names; else the nearest folder from the working
    directory upwards that ``deployworkbook lab`` has marked; else ``~/deployworkbook``.

    Raises:
        NotADirectoryError: A file stands where the folder should be.
    """
    named = os.environ.get(ENVIRONMENT_VARIABLE)
    if named:
        return Workspace(full_path(Path(named))).create()
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / MARKER).is_dir():
            return Workspace(folder)
    return Workspace(Path.home() / "deployworkbook").create()


def sha256_of(content: bytes) -> str:
    """Hash a file's content.

    >>> sha256_of(b"")[:8]
    'e3b0c442'
    """
    return hashlib.sha256(content).hexdigest()
