"""The lessons as files: which there are, and a learner's own copies of them.

A learner's copy is never overwritten: what ``install`` has written is remembered by its hash, and a
file with another hash is the learner's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from filelock import FileLock

from deployworkbook.validation import did_you_mean, value_error
from deployworkbook.workspace.files import set_aside, write_atomically
from deployworkbook.workspace.folder import Workspace, sha256_of

PACKAGE = Path(__file__).parent.parent

# Hashes of the versions that were written, the newest last, by the name of the file.
Record = dict[str, list[str]]


@dataclass(frozen=True)
class Lesson:
    """A notebook of the workbook.

    Args:
        path: The notebook as shipped.
        title: Its title, without the number.
        question: What it answers.
        minutes: About how long it takes to work through.
    """

    path: Path
    title: str
    question: str
    minutes: int

    @property
    def name(self) -> str:
        """The file's name without its ending, such as ``04_training``."""
        return self.path.stem

    @property
    def number(self) -> str:
        """The two digits that it begins with."""
        return self.name[:2]


@dataclass(frozen=True)
class Installation:
    """What ``install`` did, by names of lessons.

    Args:
        copied: Were not there.
        updated: Were as an earlier version had shipped them.
        kept: Are the learner's own, and differ from what is shipped now.
        outdated: Those of ``kept`` that are edits of an earlier version; each with the file that
            holds the version shipped now, or ``None`` if ``put_beside`` has not written one.
    """

    copied: tuple[str, ...]
    updated: tuple[str, ...]
    kept: tuple[str, ...]
    outdated: Mapping[str, Path | None] = field(default_factory=dict)


def lessons_directory() -> Path:
    """Find the notebooks: within the installed package, or beside it in the source.

    Raises:
        FileNotFoundError: They are in neither place.
    """
    for folder in (PACKAGE / "notebooks", PACKAGE.parent / "notebooks"):
        if any(folder.glob("*.ipynb")):
            return folder
    raise FileNotFoundError(
        f"The lessons are neither in {PACKAGE / 'notebooks'} nor beside the package. "
        "Install deployworkbook again."
    )


def catalogue() -> list[Lesson]:
    """List all lessons in order.

    >>> [lesson.number for lesson in catalogue()][0]
    '00'
    """
    return [_lesson(path) for path in sorted(lessons_directory().glob("[0-9][0-9]_*.ipynb"))]


def find_lesson(name: str) -> Lesson:
    """Find a lesson by its number, name or file's name.

    Raises:
        ValueError: There is none; the message lists those that are.

    >>> find_lesson("4").name == find_lesson("04_training.ipynb").name == "04_training"
    True
    """
    lessons = catalogue()
    wanted = Path(name).name.removesuffix(".ipynb")
    for lesson in lessons:
        if wanted == lesson.name or (wanted.isdecimal() and int(wanted) == int(lesson.number)):
            return lesson
    names = [lesson.name for lesson in lessons]
    expected = f"one of {', '.join(names)}"
    # A learner types "quantisation" or "5_quantization" rather than the whole name.
    plain = {each.partition("_")[2]: each for each in names}
    remedy = did_you_mean(wanted, names) or did_you_mean(wanted.lstrip("0123456789_"), plain)
    raise value_error("lesson", received=repr(name), expected=expected, remedy=remedy)


def install(workspace: Workspace) -> Installation:
    """Copy the lessons into a workspace; bring unedited ones up to date; leave edited ones alone.

    Edited ones that are older than the lesson shipped now are named, so that they can be told.
    Safe to repeat, to run twice at once, and to kill.

    Args:
        workspace: Whose folder it is.

    Raises:
        OSError: The folder cannot be written.
    """
    workspace.create()
    copied, updated, kept = [], [], []
    outdated: dict[str, Path | None] = {}
    with _lock(workspace):
        record = _read_record(workspace)
        for lesson in catalogue():
            shipped = lesson.path.read_bytes()
            target = workspace.root / lesson.path.name
            own = sha256_of(target.read_bytes()) if target.exists() else None
            if own == sha256_of(shipped):
                pass
            elif own is None:
                copied.append(lesson.name)
            elif own in _known(record, lesson):
                updated.append(lesson.name)
            else:
                kept.append(lesson.name)
                beside = _beside(workspace, record, lesson, sha256_of(shipped))
                is_new = sha256_of(shipped) not in _known(record, lesson)
                # Of a file that no record knows, nobody can say how old it is.
                if beside or (is_new and lesson.name in record):
                    outdated[lesson.name] = beside
                continue
            # Recorded before it is written: a kill in between leaves a file that is known.
            _remember(workspace, record, lesson.name, sha256_of(shipped))
            if own != sha256_of(shipped):
                write_atomically(target, shipped)
    return Installation(tuple(copied), tuple(updated), tuple(kept), outdated)


def reset(workspace: Workspace, lesson: Lesson) -> Path | None:
    """Restore one lesson as shipped.

    Args:
        workspace: Whose folder it is.
        lesson: Which.

    Returns:
        The backup of the learner's file; ``None`` if there was none or it was as shipped.

    Raises:
        OSError: The folder cannot be written.
    """
    workspace.create()
    shipped = lesson.path.read_bytes()
    with _lock(workspace):
        _remember(workspace, _read_record(workspace), lesson.name, sha256_of(shipped))
        return workspace.write_keeping_edits(workspace.root / lesson.path.name, shipped)


def put_beside(workspace: Workspace, lesson: Lesson) -> Path:
    """Write one lesson as shipped beside the learner's copy, which stays as it is.

    The file is named ``04_training-new.ipynb``; where the learner has edited or made a file of that
    name, ``04_training-new-2.ipynb``, and so on. Calling this again changes nothing.

    Args:
        workspace: Whose folder it is.
        lesson: Which.

    Returns:
        The new file.

    Raises:
        OSError: The folder cannot be written.
    """
    workspace.create()
    shipped = lesson.path.read_bytes()
    with _lock(workspace):
        record = _read_record(workspace)
        known = {*_known(record, lesson), sha256_of(shipped)}
        target = next(
            path
            for path in _names_beside(workspace, lesson)
            if not path.exists() or (path.is_file() and sha256_of(path.read_bytes()) in known)
        )
        write_atomically(target, shipped)
        # Recorded after it is written: a record without the file would say the learner has had it.
        _remember(workspace, record, target.stem, sha256_of(shipped))
    return target


def _lesson(path: Path) -> Lesson:
    about: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["metadata"]
    described = about["deployworkbook"]
    return Lesson(path, described["title"], described["question"], described["minutes"])


def _lock(workspace: Workspace) -> FileLock:
    return FileLock(workspace.records / "lessons.lock")


def _record_path(workspace: Workspace) -> Path:
    return workspace.records / "lessons.json"


def _read_record(workspace: Workspace) -> Record:
    """Read which hashes were installed; a damaged record makes every file the learner's."""
    path = _record_path(workspace)
    if not path.exists():
        return {}
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if not all(
            re.fullmatch(r"[0-9a-f]{64}", each) for hashes in record.values() for each in hashes
        ):
            raise ValueError("not hashes")
    except (ValueError, TypeError, AttributeError):
        set_aside(path)
        return {}
    return dict(record)


def _remember(workspace: Workspace, record: Record, name: str, digest: str) -> None:
    hashes = record.setdefault(name, [])
    if digest not in hashes[-1:]:
        hashes.append(digest)
        write_atomically(_record_path(workspace), json.dumps(record, indent=1))


def _known(record: Record, lesson: Lesson) -> set[str]:
    """Collect the hashes of a lesson's versions that this workspace has been given."""
    names = [name for name in record if name == lesson.name or _is_beside(name, lesson)]
    return {digest for name in names for digest in record[name]}


def _beside(workspace: Workspace, record: Record, lesson: Lesson, digest: str) -> Path | None:
    """Find the file beside the learner's that was written with this hash, edited since or not."""
    names = [name for name in record if _is_beside(name, lesson) and digest in record[name][-1:]]
    paths = [workspace.root / f"{name}.ipynb" for name in names]
    return next((path for path in paths if path.exists()), None)


def _is_beside(name: str, lesson: Lesson) -> bool:
    return name.startswith(f"{lesson.name}-new")


def _names_beside(workspace: Workspace, lesson: Lesson) -> Iterator[Path]:
    for number in count(1):
        suffix = "" if number == 1 else f"-{number}"
        yield workspace.root / f"{lesson.name}-new{suffix}.ipynb"
