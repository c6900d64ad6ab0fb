"""Judge a class's answers again, on the teacher's machine: what a learner claims isn't believed."""

from __future__ import annotations

import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from deployworkbook.exercises.judging import Standard, Verdict
from deployworkbook.exercises.registry import EXERCISES
from deployworkbook.teaching.collecting.calling import Caller, Isolation
from deployworkbook.teaching.collecting.reading import Folder, Refused, read_folder
from deployworkbook.teaching.collecting.submission import Answer, Handed, Submission
from deployworkbook.workspace.plain_numbers import numbers_from

# Time for all functions of a learner, in seconds; what is left then isn't judged.
SUBMISSION_S = 60.0

# Right answers are in these modules, which no learner's function has a reason to load.
LOOKS_UP = re.compile(r"deployworkbook\s*\.\s*exercises|deployworkbook\s+import\s+exercises")
IMPORTED = re.compile(r"\b(?:from|import) (deployworkbook\.(?:formulas|costs)|scipy)((?:\.\w+)*)")
MOST_MODULES = 100


@dataclass(frozen=True)
class Attempt:
    """What a learner's answers to an exercise are worth.

    Args:
        is_solved: Whether one of them is right.
        tries: How many different answers were judged.
        mistakes: Texts of the common mistakes among them.
        unjudged: How many couldn't be judged: lost, looked up, or their function wasn't called,
            failed or took too long.
    """

    is_solved: bool
    tries: int
    mistakes: tuple[str, ...]
    unjudged: int


@dataclass(frozen=True)
class Learner:
    """A learner's answers, judged.

    Args:
        pseudonym: The name that the learner goes by.
        attempts: What was tried, by exercise.
    """

    pseudonym: str
    attempts: dict[str, Attempt]


@dataclass(frozen=True)
class ExerciseRow:
    """How a class did in an exercise.

    Args:
        exercise: Name of the exercise.
        solved: Number of learners with a right answer.
        tried: Number of learners with an answer.
        median_tries: Median of their numbers of different answers.
        unjudged: Number of answers that couldn't be judged.
        mistakes: Common mistakes, and the number of learners who made each; most frequent first.
    """

    exercise: str
    solved: int
    tried: int
    median_tries: float
    unjudged: int
    mistakes: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Collection:
    """A class's answers, judged.

    Args:
        learners: By pseudonym.
        refused: Files that aren't used.
        isolation: How functions were called.
    """

    learners: list[Learner]
    refused: list[Refused]
    isolation: Isolation

    def rows(self) -> list[ExerciseRow]:
        """Return how the class did, in the lessons' order."""
        return [
            _row(name, attempts)
            for name in EXERCISES
            if (
                attempts := [each.attempts[name] for each in self.learners if name in each.attempts]
            )
        ]


def collect(
    folder: Path,
    *,
    isolation: Isolation,
    seconds: float = 5.0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Collection:
    """Judge all submissions in a folder.

    Args:
        folder: The folder.
        isolation: How functions are called; with "none" they aren't judged.
        seconds: Time limit of a function.
        progress: Called with how many submissions are done, and of how many.

    Raises:
        OSError: There is no such folder, or the system doesn't confine functions as promised.
    """
    found = read_folder(folder)
    with Caller(seconds=seconds, modules=_modules_for(found), isolation=isolation) as caller:
        judge = _Judge(caller)
        learners = []
        for done, submission in enumerate(found.submissions.values()):
            progress(done, len(found.submissions))
            learners.append(judge.learner(submission))
        progress(len(found.submissions), len(found.submissions))
    learners.sort(key=lambda each: each.pseudonym)
    return Collection(learners, found.refused, isolation)


class _Judge:
    """Judges answers; the same function is called once for all who wrote it."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._known: dict[tuple[str, str, str], Verdict | None] = {}

    def learner(self, submission: Submission) -> Learner:
        end = time.monotonic() + SUBMISSION_S
        attempts = {
            name: self._attempt(name, handed, end)
            for name, handed in submission.exercises.items()
            if handed.answers or handed.lost
        }
        return Learner(submission.pseudonym, attempts)

    def _attempt(self, exercise: str, handed: Handed, end: float) -> Attempt:
        keys, mistakes, unjudged, is_solved = set(), [], handed.lost, False
        for answer in handed.answers:
            verdict = self._verdict(exercise, answer, end)
            if verdict is None:
                unjudged += 1
            else:
                keys.add(verdict.answer_key)
                is_solved |= verdict.status == "right"
                mistakes += [verdict.mistake] if verdict.mistake else []
        return Attempt(is_solved, len(keys), tuple(dict.fromkeys(mistakes)), unjudged)

    def _verdict(self, exercise: str, answer: Answer, end: float) -> Verdict | None:
        """Return a verdict, or None if the answer can't be judged."""
        if "code" not in answer:
            return _compared(exercise, [numbers_from(answer)])
        if LOOKS_UP.search(answer["code"]) or self._caller.isolation == "none":
            return None
        place = exercise, answer["code"], answer["name"]
        if place not in self._known:
            if time.monotonic() > end:
                return None
            ending, numbers = self._caller.call(
                answer["code"], answer["name"], EXERCISES[exercise].cases
            )
            self._known[place] = _compared(exercise, numbers) if ending == "numbers" else None
        return self._known[place]


@cache
def _standard(exercise: str) -> Standard:
    return Standard(EXERCISES[exercise])


def _compared(exercise: str, numbers: list[Any]) -> Verdict | None:
    try:
        with np.errstate(all="ignore"):
            return _standard(exercise).judge(numbers)
    except Exception:  # numbers that nobody thought of must not end a whole class's collection
        return None


def _row(exercise: str, attempts: list[Attempt]) -> ExerciseRow:
    mistakes = Counter(text for attempt in attempts for text in attempt.mistakes)
    return ExerciseRow(
        exercise,
        solved=sum(each.is_solved for each in attempts),
        tried=len(attempts),
        median_tries=statistics.median(each.tries for each in attempts),
        unjudged=sum(each.unjudged for each in attempts),
        mistakes=tuple(mistakes.most_common()),
    )


def _modules_for(found: Folder) -> tuple[str, ...]:
    """Return which of this package's formulas, and of SciPy, the functions import."""
    names = {
        top + rest
        for code in _codes(found.submissions.values())
        for top, rest in IMPORTED.findall(code)
    }
    return tuple(sorted(names)[:MOST_MODULES])


def _codes(submissions: Iterable[Submission]) -> Iterable[str]:
    for submission in submissions:
        for handed in submission.exercises.values():
            for answer in handed.answers:
                if "code" in answer:
                    yield answer["code"]
