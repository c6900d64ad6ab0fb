"""Where a learner's notebooks, models and ledger live, and how their files are written.

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

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

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
        """Copy ``path`` into the backups under a name that is not taken; return the copy."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.backups.mkdir(mode=PRIVATE, exist_ok=True)
        stem = f"{path.stem}-{timestamp()}"
        for attempt in range(1000):
            suffix = f"-{attempt}" if attempt else ""
            target = self.backups / f"{stem}{suffix}{path.suffix}"
            try:
                with target.open("xb") as copy, path.open("rb") as original:
                    shutil.copyfileobj(original, copy)
            except FileExistsError:
                continue
            return target
        raise FileExistsError(f"{self.backups} holds 1000 backups of {path.name} from this second.")


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


def full_path(path: Path) -> Path:
    """Resolve a path that a user gave: ``~``, links and what is relative.

    Raises:
        OSError: Links lead in a circle, or no user has the name after ``~``.

    >>> full_path(Path("/a/../b")).as_posix()
    '/b'
    """
    try:
        return path.expanduser().resolve()
    except (RuntimeError, OSError) as error:  # which of them depends on Python's version
        reason = str(error).rstrip(".")
        if isinstance(error, OSError) and error.strerror:
            reason = error.strerror
        raise OSError(f"{path} leads nowhere: {reason}. Choose another path.") from error


def check_writable(path: Path) -> None:
    """Make sure, before long work, that its result can be written to a file; make its folder.

    Args:
        path: The file; what it holds is left as it is.

    Raises:
        OSError: A folder stands there, a file stands in its folder's place, a name is too long, or
            the folder cannot be written.
    """
    path = full_path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, where a file was expected. Name a file.")
    path.parent.mkdir(parents=True, exist_ok=True)
    probe = _beside(path)
    try:
        probe.touch()
    finally:
        probe.unlink(missing_ok=True)


def timestamp() -> str:
    """The present second in UTC, as used in names of files: ``20261123T184029``."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S")


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` that replaces it if the block succeeds.

    A reader sees the old file or the new one, never a part; a kill at any moment leaves the old
    file, and at worst a stray ``.tmp`` beside it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _beside(path)
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        if path.exists():
            shutil.copymode(path, temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write ``content`` to ``path`` by :func:`atomic_path`; text is stored as UTF-8."""
    data = content.encode() if isinstance(content, str) else content
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def set_aside(path: Path) -> Path:
    """Rename a damaged file or folder so that a new one can be made; return its new path."""
    for attempt in range(1000):
        suffix = f"-{attempt}" if attempt else ""
        target = path.with_name(f"{path.stem}-damaged-{timestamp()}{suffix}{path.suffix}")
        if not target.exists():
            path.rename(target)
            return target
    raise FileExistsError(f"{path.parent} holds 1000 damaged copies of {path.name}.")
