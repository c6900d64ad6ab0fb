"""Reports of a class's machines: one file a seat, as ``deployworkbook doctor --json`` prints it.

The files come from other people, so each is read within bounds, and a bad one concerns its own seat
only: its trouble is said, and the others are read.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

from deployworkbook.jupyter.check_result import Check, Status
from deployworkbook.jupyter.doctor import NAMES
from deployworkbook.validation import value_error
from deployworkbook.workspace.files import full_path

# A report has about 2 kB. More than these bounds is no report.
MOST_BYTES = 200_000
MOST_CHECKS = 50
MOST_LETTERS = 500
MOST_SEATS = 2_000

# Windows PowerShell writes what a command prints in UTF-16, unless told otherwise.
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclass(frozen=True)
class Seat:
    """A machine of the class.

    Args:
        name: The seat's name: the report's, or else that of its file.
        checks: What its doctor found; empty if the report can't be used.
        trouble: Why the report can't be used, or not in full; empty if it can.
    """

    name: str
    checks: tuple[Check, ...] = ()
    trouble: str = ""

    @property
    def wants(self) -> tuple[Check, ...]:
        """The checks that found something to do."""
        return tuple(check for check in self.checks if check.status != "ok")

    @property
    def state(self) -> str:
        """``ready``, ``warning``, ``problem``, or ``unread`` if there is no complete report."""
        if self.trouble:
            return "unread"
        statuses = {check.status for check in self.wants}
        return "problem" if "problem" in statuses else "warning" if statuses else "ready"


def read_seats(folder: Path) -> list[Seat]:
    """Read all reports of a folder, by seat.

    Args:
        folder: Folder with one ``.json`` file a seat: a list of checks, or an object with ``seat``
            and ``checks``.

    Raises:
        ValueError: There is no such folder, it has no reports, or more than 2,000.
    """
    where = full_path(folder)
    files = sorted(each for each in where.glob("*.json") if not each.name.startswith("."))
    if not 1 <= len(files) <= MOST_SEATS:
        raise value_error(
            "folder",
            received=f"{folder} with {len(files):,} of them",
            expected=f"a folder with 1 to {MOST_SEATS:,} reports, NAME.json for each seat",
            remedy="At each seat: deployworkbook doctor --json > NAME.json",
        )
    return _told_apart(files, [read_seat(file) for file in files])


def read_seat(file: Path) -> Seat:
    """Read one report; whatever is wrong with it becomes the seat's trouble.

    Args:
        file: The report. It is only read, and only if it is a regular file.
    """
    name = plain(file.stem)
    try:
        content = json.loads(_text(file))
    except OSError as error:
        return Seat(name, trouble=f"The file can't be read: {error.strerror}.")
    except RecursionError:
        return Seat(name, trouble="This is no report of the doctor's.")
    except ValueError as error:
        return Seat(name, trouble=f"This is no report of the doctor's: {plain(str(error))}.")
    if isinstance(content, dict):
        if isinstance(content.get("seat"), str) and content["seat"].strip():
            name = plain(content["seat"])
        content = content.get("checks")
    checks = _checks(content)
    if checks is None:
        return Seat(name, trouble="This is no report of the doctor's.")
    found = {check.name for check in checks}
    missing = [each for each in NAMES if each not in found]
    if missing:
        return Seat(
            name,
            checks,
            f"The report comes from another version, and lacks: {', '.join(missing)}. Install this "
            "version there, and run the doctor again.",
        )
    return Seat(name, checks)


def plain(text: str) -> str:
    r"""Return a text of others as one short line, without letters that control a terminal.

    >>> plain("a\x1b[2Jb\n c")
    'a [2Jb c'
    """
    shown = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return shown if len(shown) <= MOST_LETTERS else f"{shown[: MOST_LETTERS - 3]}..."


def _text(file: Path) -> str:
    if not file.is_file():
        raise ValueError("it is not a file")
    with file.open("rb") as opened:
        content = opened.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES:,} bytes")
    if not content.strip():
        raise ValueError("it is empty")
    encoding = next((_MARKS[mark] for mark in _MARKS if content.startswith(mark)), "utf-8")
    return content.decode(encoding)


def _checks(content: Any) -> tuple[Check, ...] | None:
    """Return a report's checks, or ``None`` if it isn't one."""
    if not isinstance(content, list) or not 1 <= len(content) <= MOST_CHECKS:
        return None
    checks = [_check(each) for each in content]
    kept = tuple(check for check in checks if check is not None)
    return kept if len(kept) == len(checks) else None


def _check(content: Any) -> Check | None:
    if not isinstance(content, dict):
        return None
    texts = [content.get(key) for key in ("name", "status", "found")] + [content.get("remedy", "")]
    if not all(isinstance(text, str) for text in texts) or texts[1] not in get_args(Status):
        return None
    name, status, found, remedy = map(plain, cast("list[str]", texts))
    return Check(name, cast("Status", status), found, remedy)


def _told_apart(files: Sequence[Path], seats: Sequence[Seat]) -> list[Seat]:
    """Add the file's name where several reports name the same seat."""
    names = [seat.name.casefold() for seat in seats]
    told = [
        Seat(f"{seat.name} ({plain(file.name)})", seat.checks, seat.trouble)
        if names.count(seat.name.casefold()) > 1
        else seat
        for file, seat in zip(files, seats, strict=True)
    ]
    return sorted(told, key=lambda seat: seat.name.casefold())
