"""Names as people write them, and the names that they log in with."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from deployworkbook.teaching.hub.accounts import NAME, REHEARSING
from deployworkbook.validation import message, value_error


def read_names(path: Path) -> dict[str, str]:
    """Read a list of learners, one a line; return what was written by login name.

    Args:
        path: A text file in UTF-8; empty lines and those that begin with ``#`` are skipped.

    Raises:
        OSError: The file can't be read.
        ValueError: Lines give no name, a reserved one, or one that another line gives. All such
            lines are named, with their numbers.
    """
    lines = enumerate(path.read_text("utf-8-sig").splitlines(), start=1)
    names = logins(
        (f"{path}, line {number}", line.strip())
        for number, line in lines
        if line.strip() and not line.strip().startswith("#")
    )
    if not names:
        raise value_error(str(path), received="no names", expected="a name per line")
    return names


def logins(given: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return names by login name.

    Args:
        given: Where each name is written, and the name.

    Raises:
        ValueError: Some can't be login names, are reserved, or are the same; it says all of them.

    >>> logins([("line 1", "Ada Lovelace"), ("line 2", "grace")])
    {'ada-lovelace': 'Ada Lovelace', 'grace': 'grace'}
    """
    names: dict[str, str] = {}
    problems: list[str] = []
    for place, name in given:
        login = login_name(name)
        problem = _problem(place, name, login, names.get(login))
        if problem:
            problems.append(problem)
        else:
            names[login] = name
    if problems:
        raise ValueError("\n".join(problems))
    return names


def _problem(place: str, name: str, login: str, earlier: str | None) -> str:
    """Say why nobody could log in with a name; empty if somebody could."""
    if not NAME.fullmatch(login):
        return message(
            place,
            received=repr(name),
            expected="a name that begins with a letter from a to z and has at most 24 letters, "
            "digits and hyphens",
            remedy="Write the name as the learner should type it, such as wei-li.",
        )
    if REHEARSING.fullmatch(login):
        return message(
            place,
            received=repr(name),
            expected="a name that isn't reserved for rehearsals, as load-1, load-2 and so on are",
            remedy=f"Write it as {login.replace('-', '')}, for example.",
        )
    if earlier is not None:
        return message(
            place,
            received=f"{earlier!r} and {name!r}, which are both {login}",
            expected="a different name for each",
            remedy=f"Write one of them as {login}-2, for example.",
        )
    return ""


def login_name(given: str) -> str:
    """Return the name to log in with: lower case, without accents, hyphens for all else.

    >>> login_name("Zoë  O'Neill"), login_name("grace@example.org")
    ('zoe-o-neill', 'grace')
    """
    plain = unicodedata.normalize("NFKD", given.partition("@")[0]).casefold()
    letters = "".join(each for each in plain if not unicodedata.combining(each))
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-") if letters.isascii() else letters
