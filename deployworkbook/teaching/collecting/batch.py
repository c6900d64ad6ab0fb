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
from deployworkbook.teaching.collecting.calling import Caller, Function, Isolation
from deployworkbook.teaching.collecting.reading import Folder, Refused, read_folder
from deployworkbook.teaching.collecting.submission import SUFFIX, Answer, Handed, Submission
from deployworkbook.validation import value_error
from deployworkbook.workspace.plain_numbers import numbers_from

# Time that a learner's functions may take beyond a tenth of a second each, in seconds, all
# together. What is left then isn't judged, so that nobody keeps the class waiting.
SUBMISSION_S = 60.0
USUAL_S = 0.1
# How many functions of a learner are called in one fork.
TOGETHER = 20

# Right answers are in these modules, which no learner's function has a reason to load.
LOOKS_UP = re.compile(r"deployworkbook\s*\.\s*exercises|deployworkbook\s+import\s+exercises")
IMPORTED = re.compile(
    r"\b(?:from|import) (deployworkbook\.(?:formulas|costs)|scipy\.(?:special|stats|optimize))"
    r"((?:\.\w+)*)"
)
MOST_MODULES = 100

# An exercise, and the program and name of an answer to it.
Place = tuple[str, str, str]


@dataclass(frozen=True)
class Attempt:
    """What a learner's answers to an exercise are worth.

    Args:
        is_solved: Whether one of them is right.
        tries: How many different answers were judged.
        mistakes: Texts of the common mistakes among them.
        unjudged: How many couldn't be judged: lost, looked up, or their function wasn't called,
            failed or took too long.
        looked_up: How many of those look the right answer up in the package.
        stated_tries: How many different answers the learner's folder counted; not checked, and
            more than ``tries`` if old answers weren't kept.
    """

    is_solved: bool
    tries: int
    mistakes: tuple[str, ...]
    unjudged: int
    looked_up: int
    stated_tries: int


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
        looked_up: How many of those look the right answer up in the package.
        mistakes: Common mistakes, and the number of learners who made each; most frequent first.
    """

    exercise: str
    solved: int
    tried: int
    median_tries: float
    unjudged: int
    looked_up: int
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
        ValueError: The folder has no file.
    """
    found = read_folder(folder)
    if not found.submissions and not found.refused:
        raise value_error(
            "folder",
            received=f"{folder} without a file",
            expected=f"submissions, whose names end with {SUFFIX}",
            remedy="Learners write them with: deployworkbook submit --to FOLDER",
        )
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
        self._known: dict[Place, Verdict | None] = {}
        self._left_s = SUBMISSION_S

    def learner(self, submission: Submission) -> Learner:
        self._left_s = SUBMISSION_S
        handed_in = {
            n: each for n, each in submission.exercises.items() if each.answers or each.lost
        }
        if self._caller.isolation != "none":
            self._call_all(handed_in)
        attempts = {name: self._attempt(name, handed) for name, handed in handed_in.items()}
        return Learner(submission.pseudonym, attempts)

    def _attempt(self, exercise: str, handed: Handed) -> Attempt:
        verdicts = [self._verdict(exercise, answer) for answer in handed.answers]
        judged = [verdict for verdict in verdicts if verdict]
        return Attempt(
            is_solved=any(each.status == "right" for each in judged),
            tries=len({each.answer_key for each in judged}),
            mistakes=tuple(dict.fromkeys(each.mistake for each in judged if each.mistake)),
            unjudged=handed.lost + len(verdicts) - len(judged),
            looked_up=sum(_looks_up(answer) for answer in handed.answers),
            stated_tries=handed.tries,
        )

    def _verdict(self, exercise: str, answer: Answer) -> Verdict | None:
        """Return a verdict, or None if the answer can't be judged."""
        if "code" not in answer:
            return _compared(exercise, [numbers_from(answer)])
        return self._known.get((exercise, answer["code"], answer["name"]))

    def _call_all(self, handed_in: dict[str, Handed]) -> None:
        """Call a learner's functions: together, then alone those that returned no numbers."""
        places = [
            (name, answer["code"], answer["name"])
            for name, handed in handed_in.items()
            for answer in handed.answers
            if "code" in answer and not _looks_up(answer)
        ]
        new = [place for place in dict.fromkeys(places) if place not in self._known]
        for begin in range(0, len(new), TOGETHER):
            self._call(new[begin : begin + TOGETHER])
        for place in new:
            if place not in self._known:
                self._call([place])

    def _call(self, places: list[Place]) -> None:
        if self._left_s <= 0:
            return
        begun = time.monotonic()
        outcomes = self._caller.call_together(
            [Function(code, name, EXERCISES[exercise].cases) for exercise, code, name in places]
        )
        self._left_s -= max(0.0, time.monotonic() - begun - USUAL_S * len(places))
        for place, (ending, numbers) in zip(places, outcomes, strict=True):
            if ending == "numbers":
                self._known[place] = _compared(place[0], numbers)
            elif len(places) == 1:
                self._known[place] = None


def _looks_up(answer: Answer) -> bool:
    return LOOKS_UP.search(answer.get("code", "")) is not None


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
        looked_up=sum(each.looked_up for each in attempts),
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
