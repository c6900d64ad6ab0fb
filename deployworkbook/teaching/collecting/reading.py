"""Read a folder of submissions that anyone may have written to; nothing in it stops the reading."""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from deployworkbook.teaching.collecting.pseudonyms import is_pseudonym
from deployworkbook.teaching.collecting.submission import (
    MOST_BYTES,
    SUFFIX,
    DamagedError,
    RefusedError,
    Submission,
    parse,
)
from deployworkbook.teaching.seats import plain

# A class has hundreds of files at most; more than this is no class's folder.
MOST_FILES = 5000
# What systems and archives leave beside files.
IGNORED = ("__MACOSX", "Thumbs.db", "desktop.ini")


@dataclass(frozen=True)
class Refused:
    """A file that isn't used.

    Args:
        file: Its path within the folder.
        reason: Why, in a sentence.
    """

    file: str
    reason: str


@dataclass
class Folder:
    """What a folder of submissions has.

    Args:
        submissions: The submissions to judge, by file; one per learner.
        refused: What isn't used.
    """

    submissions: dict[str, Submission] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)

    def refuse(self, file: str, reason: str) -> None:
        """Leave a file out."""
        self.submissions.pop(file, None)
        self.refused.append(Refused(file, reason))


def read_folder(folder: Path) -> Folder:
    """Read all submissions in a folder and the folders in it.

    Of a learner who handed in several times, the last submission counts. Where two learners go by
    the same pseudonym, nobody can tell which is which, so neither counts.

    Args:
        folder: The folder; links in it are not followed.

    Raises:
        NotADirectoryError: There is no such folder.
    """
    if not folder.is_dir():
        raise NotADirectoryError(f"There is no folder {folder}. Name the one with submissions.")
    found = Folder()
    for number, path in enumerate(_files(folder)):
        name = plain(path.relative_to(folder).as_posix().encode(errors="replace").decode())
        if number >= MOST_FILES:
            found.refuse(name, f"It and what follows it isn't read: the limit is {MOST_FILES}.")
            break
        name = name if name not in found.submissions else f"{name} ({number})"
        try:
            found.submissions[name] = parse(_content(path))
        except DamagedError as reason:
            found.refuse(name, _damaged(path, str(reason)))
        except RefusedError as reason:
            found.refuse(name, str(reason))
    _leave_out_earlier_ones(found)
    _leave_out_shared_names(found)
    return found


def _files(folder: Path) -> Iterator[Path]:
    """All files, links and devices, in the order of their names; never into a link."""

    def name_of(entry: os.DirEntry[str]) -> str:
        return entry.name

    try:
        entries = sorted(os.scandir(folder), key=name_of)
    except OSError:  # a folder that others may not read; it has no file to name
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name in IGNORED:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _files(Path(entry.path))
        else:
            yield Path(entry.path)


def _content(path: Path) -> bytes:
    if path.name.endswith(".zip"):
        raise RefusedError("It is a zip archive. Unpack it first.")
    if not path.name.endswith(SUFFIX):
        raise RefusedError(f"Its name doesn't end with {SUFFIX}.")
    if path.is_symlink():
        raise RefusedError("It is a link to another file.")
    # Without waiting: a named pipe would wait for somebody to write.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        handle = os.open(path, flags | getattr(os, "O_BINARY", 0))
    except OSError as error:
        raise RefusedError("It can't be opened.") from error
    with os.fdopen(handle, "rb") as file:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            raise RefusedError("It is no regular file.")
        if about.st_size > MOST_BYTES:
            raise RefusedError("It is too large for a submission.")
        try:
            return file.read(MOST_BYTES + 1)
        except OSError as error:
            raise RefusedError("It can't be read.") from error


def _damaged(path: Path, reason: str) -> str:
    """Say whom to ask for a file again, if its name tells."""
    owner = path.name.removesuffix(SUFFIX)
    if is_pseudonym(owner):
        return f"{reason} By its name it is from {owner}: ask for it again."
    return f"{reason} Ask for it again."


def _leave_out_earlier_ones(found: Folder) -> None:
    own = defaultdict(list)
    for file, submission in found.submissions.items():
        own[submission.learner].append((submission.number, file))
    for numbered in own.values():
        last = max(number for number, _ in numbered)
        latest = [file for number, file in numbered if number == last]
        # Anyone can copy a file; the learner's own is named after its pseudonym.
        latest.sort(key=lambda file: not _is_named_after(file, found.submissions[file]))
        for number, file in numbered:
            if number < last:
                found.refuse(file, f"The same learner has handed in again: {latest[0]} counts.")
        kept = found.submissions[latest[0]]
        for file in latest[1:]:
            if found.submissions[file] == kept:
                found.refuse(file, f"It is a copy of {latest[0]}.")
        if any(file in found.submissions for file in latest[1:]):
            for file in [each for each in latest if each in found.submissions]:
                found.refuse(file, "Another file claims to be the same submission.")


def _is_named_after(file: str, submission: Submission) -> bool:
    return file.rpartition("/")[2] == f"{submission.pseudonym}{SUFFIX}"


def _leave_out_shared_names(found: Folder) -> None:
    users = defaultdict(list)
    for file, submission in found.submissions.items():
        users[submission.pseudonym].append(file)
    for name, files in users.items():
        if len(files) > 1:
            for file in files:
                found.refuse(
                    file, f"Several learners go by {name}. Ask who is who, and keep one file each."
                )
