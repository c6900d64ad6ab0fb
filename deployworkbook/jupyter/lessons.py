"""The shipped lessons and a learner's copies of them.

An edited copy is never overwritten: ``install`` records the hash of everything it writes, so a file
with any other hash has been edited by the learner.
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

# For each file name, the hashes of the versions written, newest last.
Record = dict[str, list[str]]


@dataclass(frozen=True)
class Lesson:
    """A lesson of the workbook.

    Args:
        path: The notebook as shipped.
        title: Its title, without the number.
        question: The question it answers.
        minutes: Approximate working time, in minutes.
    """

    path: Path
    title: str
    question: str
    minutes: int

    @property
    def name(self) -> str:
        """The file name without its extension, such as ``04_training``."""
        return self.path.stem

    @property
    def number(self) -> str:
        """The two digits at the start of its name."""
        return self.name[:2]


@dataclass(frozen=True)
class Installation:
    """What ``install`` did, as lesson names.

    Args:
        copied: Lessons that were missing.
        updated: Unedited lessons of an earlier version, now replaced.
        kept: Lessons that the learner has edited.
        outdated: The lessons in ``kept`` that are edits of an earlier version, each with the file
            of the current version, or ``None`` if ``put_beside`` has not written one.
    """

    copied: tuple[str, ...]
    updated: tuple[str, ...]
    kept: tuple[str, ...]
    outdated: Mapping[str, Path | None] = field(default_factory=dict)


def lessons_directory() -> Path:
    """Find the folder of notebooks, inside the installed package or beside it in the source.

    Raises:
        FileNotFoundError: The notebooks are in neither place.
    """
    for folder in (PACKAGE / "notebooks", PACKAGE.parent / "notebooks"):
        if any(folder.glob("*.ipynb")):
            return folder
    raise FileNotFoundError(
        f"The lessons are neither in {PACKAGE / 'notebooks'} nor beside the package. "
        "Reinstall deployworkbook."
    )


def catalogue() -> list[Lesson]:
    """Return all lessons in order.

    >>> [lesson.number for lesson in catalogue()][0]
    '00'
    """
    return [_lesson(path) for path in sorted(lessons_directory().glob("[0-9][0-9]_*.ipynb"))]


def find_lesson(name: str) -> Lesson:
    """Find a lesson by its number, name or file name.

    Raises:
        ValueError: There is no such lesson; the message lists all of them.

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
    # Learners type "quantisation" or "5_quantization" rather than the whole name.
    plain = {each.partition("_")[2]: each for each in names}
    remedy = did_you_mean(wanted, names) or did_you_mean(wanted.lstrip("0123456789_"), plain)
    raise value_error("lesson", received=repr(name), expected=expected, remedy=remedy)


def install(workspace: Workspace) -> Installation:
    """Copy the lessons into a workspace; update unedited copies and leave edited ones alone.

    The result names edited lessons that are older than the shipped version.
    Safe to repeat, to run concurrently, and to kill.

    Args:
        workspace: The learner's workspace.

    Raises:
        OSError: The folder is not writable.
    """
    workspace.create()
    copied, updated, kept = [], [], []
    outdated: dict[str, Path | None] = {}
    with lessons_lock(workspace):
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
                # The age of a file that isn't on record is unknown.
                if beside or (is_new and lesson.name in record):
                    outdated[lesson.name] = beside
                continue
            # Record the hash before writing: a kill in between then leaves a known file.
            _remember(workspace, record, lesson.name, sha256_of(shipped))
            if own != sha256_of(shipped):
                write_atomically(target, shipped)
    return Installation(tuple(copied), tuple(updated), tuple(kept), outdated)


def reset(workspace: Workspace, lesson: Lesson) -> Path | None:
    """Restore a lesson to its shipped version.

    Args:
        workspace: The learner's workspace.
        lesson: The lesson.

    Returns:
        The backup of the learner's file; ``None`` if it was missing or unedited.

    Raises:
        OSError: The folder is not writable.
    """
    workspace.create()
    shipped = lesson.path.read_bytes()
    with lessons_lock(workspace):
        _remember(workspace, _read_record(workspace), lesson.name, sha256_of(shipped))
        return workspace.write_keeping_edits(workspace.root / lesson.path.name, shipped)


def put_beside(workspace: Workspace, lesson: Lesson) -> Path:
    """Write the shipped version of a lesson beside the learner's copy, which stays unchanged.

    The file is named ``04_training-new.ipynb``, or ``04_training-new-2.ipynb`` and so on if the
    learner has a file of that name. Calling this again changes nothing.

    Args:
        workspace: The learner's workspace.
        lesson: The lesson.

    Returns:
        The new file.

    Raises:
        OSError: The folder is not writable.
    """
    workspace.create()
    shipped = lesson.path.read_bytes()
    with lessons_lock(workspace):
        record = _read_record(workspace)
        known = {*_known(record, lesson), sha256_of(shipped)}
        target = next(
            path
            for path in _names_beside(workspace, lesson)
            if not path.exists() or (path.is_file() and sha256_of(path.read_bytes()) in known)
        )
        write_atomically(target, shipped)
        # Record after writing: a hash on record means that the learner has received the file.
        _remember(workspace, record, target.stem, sha256_of(shipped))
    return target


def _lesson(path: Path) -> Lesson:
    about: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["metadata"]
    described = about["deployworkbook"]
    return Lesson(path, described["title"], described["question"], described["minutes"])


def lessons_lock(workspace: Workspace) -> FileLock:
    """Return the lock under which commands write a learner's lessons.

    Args:
        workspace: The learner's workspace; it exists.
    """
    return FileLock(workspace.records / "lessons.lock")


def _record_path(workspace: Workspace) -> Path:
    return workspace.records / "lessons.json"


def _read_record(workspace: Workspace) -> Record:
    """Read the installed hashes; without a valid record, every file counts as edited."""
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
    """Return the hashes of all versions of a lesson that this workspace has received."""
    names = [name for name in record if name == lesson.name or _is_beside(name, lesson)]
    return {digest for name in names for digest in record[name]}


def _beside(workspace: Workspace, record: Record, lesson: Lesson, digest: str) -> Path | None:
    """Find the file that ``put_beside`` wrote with this hash, whether edited since or not."""
    names = [name for name in record if _is_beside(name, lesson) and digest in record[name][-1:]]
    paths = [workspace.root / f"{name}.ipynb" for name in names]
    return next((path for path in paths if path.exists()), None)


def _is_beside(name: str, lesson: Lesson) -> bool:
    return name.startswith(f"{lesson.name}-new")


def _names_beside(workspace: Workspace, lesson: Lesson) -> Iterator[Path]:
    for number in count(1):
        suffix = "" if number == 1 else f"-{number}"
        yield workspace.root / f"{lesson.name}-new{suffix}.ipynb"
