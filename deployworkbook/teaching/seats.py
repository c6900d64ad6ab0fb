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

UNREADABLE = "{file} can't be read: {reason}. Copy it from that seat again."
CUT = "{file} is cut off: run the doctor there again."
NO_REPORT = "{file} is no report of the doctor's: {reason}. Run the doctor there again."

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
    def has_only_digits(self) -> bool:
        """Whether MNIST is missing; lessons then download it, or take scikit-learn's digits."""
        return any(check.name == "data" and check.status == "warning" for check in self.checks)

    @property
    def state(self) -> str:
        """``ready``, ``warning``, ``problem``, or ``unread`` if there is no complete report.

        A seat is ready without MNIST, too: all lessons run with scikit-learn's digits.
        """
        if self.trouble:
            return "unread"
        lessened = (
            check for check in self.wants if check.name != "data" or check.status != "warning"
        )
        statuses = {check.status for check in lessened}
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
    name, shown = plain(file.stem), plain(file.name)
    text = ""
    try:
        text = _text(file)
        content = json.loads(text)
    except OSError as error:
        return Seat(name, trouble=UNREADABLE.format(file=shown, reason=error.strerror))
    except RecursionError:
        return Seat(name, trouble=NO_REPORT.format(file=shown, reason="it is nested too deeply"))
    except ValueError as error:
        if isinstance(error, json.JSONDecodeError) and _is_cut(text, error):
            return Seat(name, trouble=CUT.format(file=shown))
        return Seat(name, trouble=NO_REPORT.format(file=shown, reason=plain(str(error))))
    if isinstance(content, dict):
        if isinstance(content.get("seat"), str) and content["seat"].strip():
            name = plain(content["seat"])
        content = content.get("checks")
    checks, wrong = _checks(content)
    if wrong:
        return Seat(name, trouble=NO_REPORT.format(file=shown, reason=wrong))
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


def _is_cut(text: str, error: json.JSONDecodeError) -> bool:
    """Tell a report that ends too early from a file that never was one."""
    ends = len(text.rstrip())
    is_within_text = error.msg.startswith("Unterminated string")
    is_within_escape = "escape" in error.msg and error.pos >= ends - len(r"\u0000")
    return text.lstrip()[:1] in ("[", "{") and (
        error.pos >= ends or is_within_text or is_within_escape
    )


def _checks(content: Any) -> tuple[tuple[Check, ...], str]:
    """Return a report's checks, and what is wrong with them, if anything is."""
    if not isinstance(content, list):
        return (), "it has no list of checks"
    if not content:
        return (), "its list of checks is empty"
    if len(content) > MOST_CHECKS:
        return (), f"it has {len(content):,} checks, more than {MOST_CHECKS}"
    checks = []
    for place, each in enumerate(content, start=1):
        about = each if isinstance(each, dict) else {}
        texts = [about.get(key) for key in ("name", "status", "found")] + [about.get("remedy", "")]
        if not all(isinstance(text, str) for text in texts):
            return (), f"check {place} lacks a name, a status or what was found"
        name, status, found, remedy = map(plain, cast("list[str]", texts))
        if status not in get_args(Status):
            known = ", ".join(get_args(Status))
            return (), f"the status of {name} is {status!r}, but expected was one of {known}"
        checks.append(Check(name, cast("Status", status), found, remedy))
    return tuple(checks), ""


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
