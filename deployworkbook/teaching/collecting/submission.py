"""A submission: what a learner hands in, as one JSON file, read without trust."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from typing import Any

from deployworkbook.exercises.kept import MOST_BYTES_OF_ONE, MOST_KEPT
from deployworkbook.exercises.literals import LARGEST_ARRAY
from deployworkbook.exercises.registry import EXERCISES
from deployworkbook.teaching.collecting.pseudonyms import is_pseudonym
from deployworkbook.workspace.plain_numbers import numbers_from

FORMAT = "deployworkbook-submission"
SCHEMA = 1
SUFFIX = ".submission.json"

# More than a learner can hand in: 92 exercises, and 32 KiB of answers each.
MOST_BYTES = 4 * 1024 * 1024
LONGEST_NUMBER = 400
MOST_TRIES = 100_000

LEARNER = re.compile(r"[0-9a-f]{16}")
VERSION = re.compile(r"[0-9A-Za-z.+-]{1,40}")

Answer = dict[str, Any]


class RefusedError(ValueError):
    """A file is no valid submission; the message says why, in a whole sentence."""


@dataclass(frozen=True)
class Handed:
    """What a learner hands in for one exercise.

    Args:
        tries: How many different answers were tried, as the learner's folder has it.
        lost: How many answers could not be kept as data.
        answers: The kept ones, oldest first: ``shape`` and ``values``, or ``code`` and ``name``.
    """

    tries: int
    lost: int
    answers: list[Answer]


@dataclass(frozen=True)
class Submission:
    """All that a learner hands in.

    Args:
        pseudonym: The name that the learner goes by.
        learner: A random number, by which a later submission replaces an earlier one.
        number: How many times this learner has handed in.
        version: Version of deployworkbook.
        exercises: What is handed in, by exercise.
    """

    pseudonym: str
    learner: str
    number: int
    version: str
    exercises: dict[str, Handed] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        """Return the file's content."""
        return {"format": FORMAT, "schema": SCHEMA, **asdict(self)}

    def text(self) -> str:
        """Return the file's text."""
        return json.dumps(self.as_data(), allow_nan=False) + "\n"


class DamagedError(RefusedError):
    """A file may have been a submission, before something cut or changed it."""


def parse(data: bytes) -> Submission:
    """Read a submission from anyone.

    Args:
        data: Content of the file.

    Raises:
        RefusedError: It is something else, damaged, or too large.
    """
    document = _document(data)
    if document.get("format") != FORMAT:
        raise RefusedError("It is no submission of deployworkbook.")
    schema = document.get("schema")
    if type(schema) is not int or schema < 1:
        raise RefusedError("Its schema is no whole number.")
    if schema > SCHEMA:
        raise RefusedError("A newer version of deployworkbook wrote it. Update yours.")
    names = {"format", "schema", "pseudonym", "learner", "number", "version", "exercises"}
    _expect(set(document) == names, "Its fields are not those of a submission.")
    pseudonym, learner = document["pseudonym"], document["learner"]
    version, exercises = document["version"], document["exercises"]
    _expect(is_pseudonym(pseudonym), "Its pseudonym has another form than brave-otter.")
    _expect(_matches(LEARNER, learner), "Its learner's number has another form.")
    _expect(_is_count(document["number"]), "It doesn't say which submission it is.")
    _expect(_matches(VERSION, version), "Its version has another form.")
    _expect(isinstance(exercises, dict), "It has no list of exercises.")
    return Submission(
        pseudonym,
        learner,
        document["number"],
        version,
        {name: _handed(name, each) for name, each in exercises.items()},
    )


def _document(data: bytes) -> dict[str, Any]:
    if not data:
        raise DamagedError("It is empty.")
    if len(data) > MOST_BYTES:
        raise RefusedError("It is too large for a submission.")
    if data.startswith(b"PK\x03\x04"):
        raise RefusedError("It is a zip archive. Unpack it first.")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DamagedError("It is not UTF-8 text.") from error
    try:
        document = json.loads(
            text, object_pairs_hook=_unique, parse_int=_whole, parse_constant=_no_constant
        )
    except RefusedError:
        raise
    except RecursionError as error:
        raise RefusedError("It is nested too deeply.") from error
    except ValueError as error:
        raise DamagedError("It is no JSON, or only a part of a file.") from error
    if not isinstance(document, dict):
        raise RefusedError("It is no submission of deployworkbook.")
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    _expect(len(found) == len(pairs), "It names a field twice.")
    return found


def _whole(text: str) -> int:
    _expect(len(text) <= LONGEST_NUMBER, "It has a number of too many digits.")
    return int(text)


def _no_constant(text: str) -> float:
    raise RefusedError(f"It has the value {text}, which JSON doesn't know.")


def _handed(name: str, handed: Any) -> Handed:
    _expect(name in EXERCISES, "It has an exercise that this version doesn't know.")
    _expect(
        isinstance(handed, dict) and set(handed) == {"tries", "lost", "answers"},
        "What it has for an exercise lacks a field, or has one too many.",
    )
    answers = handed["answers"]
    _expect(_is_count(handed["tries"]), "Its number of tries is none.")
    _expect(_is_count(handed["lost"]), "Its number of lost answers is none.")
    _expect(
        isinstance(answers, list) and len(answers) <= MOST_KEPT,
        "It has no list of answers, or one that is too long.",
    )
    is_function = bool(EXERCISES[name].cases)
    for answer in answers:
        _check_answer(answer, is_function)
    return Handed(handed["tries"], handed["lost"], answers)


def _check_answer(answer: Any, is_function: bool) -> None:
    fields = {"code", "name"} if is_function else {"shape", "values"}
    _expect(
        isinstance(answer, dict) and set(answer) == fields,
        "An answer is of another kind than its exercise asks for.",
    )
    if not is_function:
        values = answer["values"]
        _expect(isinstance(values, list) and len(values) <= LARGEST_ARRAY, "An array is too large.")
        try:
            numbers_from(answer)
        except ValueError as error:
            raise RefusedError("An answer is neither a number nor an array.") from error
        return
    code, name = answer["code"], answer["name"]
    _expect(isinstance(code, str) and isinstance(name, str), "A function's source is no text.")
    _expect(len(code) <= MOST_BYTES_OF_ONE, "A function's source is too long.")
    _expect(name.isidentifier() and len(name) <= 100, "A function's name is none.")


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MOST_TRIES


def _matches(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and bool(pattern.fullmatch(value))


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise RefusedError(otherwise)
