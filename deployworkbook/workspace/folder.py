"""The learner's folder with notebooks, models and ledger.

A workspace is one folder::

    lessons as .ipynb    the learner's own copies
    ledger.sqlite        every measurement
    models/              trained models, cached
    published/           model versions for servers to load, one folder per model
    keys/                key to sign versions with; readable by its owner only
    golden/              images with the answers of released models, one file per model
    logs/                logs of model servers
    backups/             files that a command has replaced
    .deployworkbook/     the workbook's own records; also marks the folder as a workspace

``DEPLOYWORKBOOK_HOME`` can name it. ``DEPLOYWORKBOOK_SHARED_MODELS`` can name a folder of models
that somebody has made for several learners (``deployworkbook preload``). It is looked at before
``models/``, and only read: see ``shared``.
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
SHARED_VARIABLE = "DEPLOYWORKBOOK_SHARED_MODELS"
MARKER = ".deployworkbook"

# Owner only: answers, measurements and edited lessons show what somebody did and when. An existing
# folder keeps its permissions, and whatever is meant to be shared (models, published versions)
# follows the umask, so `chmod 755` on the workspace shares it.
PRIVATE = 0o700

# Set for every process of a headless run, to a different value per run.
RUN_VARIABLE = "DEPLOYWORKBOOK_RUN"


@dataclass(frozen=True)
class Workspace:
    """A folder with everything a learner owns.

    Args:
        root: The folder's path; it need not exist yet.
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
    def artifacts(self) -> Path:
        """The folder of exported variants, ``<data set>/<variant>.<runtime>``."""
        return self.models / "artifacts"

    @property
    def published(self) -> Path:
        """The folder of published models, with one folder per model and version."""
        return self.root / "published"

    @property
    def keys(self) -> Path:
        """The folder of the key pair that signs published versions."""
        return self.root / "keys"

    @property
    def golden(self) -> Path:
        """The folder of golden images, ``<model>.json``: what released models answered."""
        return self.root / "golden"

    @property
    def logs(self) -> Path:
        """The folder of model servers' logs."""
        return self.root / "logs"

    @property
    def backups(self) -> Path:
        """The folder of files that commands have replaced."""
        return self.root / "backups"

    @property
    def records(self) -> Path:
        """The folder of the workbook's own records."""
        return self.root / MARKER

    def create(self) -> Workspace:
        """Create the folder and its marker if they are missing; return the workspace.

        A new folder is accessible to its owner only; an existing one keeps its permissions.

        Raises:
            NotADirectoryError: The path is a file.
            PermissionError: The folder is not writable.
        """
        if self.root.exists() and not self.root.is_dir():
            raise NotADirectoryError(
                f"{self.root} is a file, but a folder for the workspace was expected. "
                "Name another folder."
            )
        self.root.parent.mkdir(parents=True, exist_ok=True)
        self.root.mkdir(mode=PRIVATE, exist_ok=True)
        self.records.mkdir(mode=PRIVATE, exist_ok=True)
        return self

    def back_up(self, path: Path) -> Path:
        """Copy a file into the backups under a free name; return the copy's path."""
        for target in free_names(self._backups(), path):
            try:
                with target.open("xb") as copy, path.open("rb") as original:
                    shutil.copyfileobj(original, copy)
            except FileExistsError:
                continue
            return target
        raise AssertionError("free_names ends with an error")

    def move_to_backups(self, path: Path) -> Path:
        """Move a file or folder into the backups under a free name; return its new path."""
        return moved_to_free_name(path, self._backups(), path.parent.name)

    def write_keeping_edits(
        self, path: Path, content: bytes | str, *, known: Collection[str] = ()
    ) -> Path | None:
        """Write a file atomically; first back up the existing one if a user has edited it.

        Args:
            path: The file; left alone if it already has this content.
            content: The new content; text is encoded as UTF-8.
            known: SHA-256 hashes of what earlier calls wrote there, which needs no backup.

        Returns:
            The backup, if one was made.

        Raises:
            OSError: The file or the backup is not writable.
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
    """Return the workspace of this process.

    That is the folder named by ``DEPLOYWORKBOOK_HOME``; else the nearest folder, from the working
    directory upwards, that ``deployworkbook lab`` has marked; else ``~/deployworkbook``.

    Raises:
        NotADirectoryError: The path is a file.
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
    """Return the SHA-256 hash of a file's content.

    >>> sha256_of(b"")[:8]
    'e3b0c442'
    """
    return hashlib.sha256(content).hexdigest()


def sha256_of_file(path: Path) -> str:
    """Return the SHA-256 hash of a file that may be too large for memory.

    Raises:
        OSError: The file can't be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
