"""Judge a class's answers again, on the teacher's machine: what a learner claims isn't believed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from deployworkbook.exercises.judging import Standard
from deployworkbook.exercises.registry import EXERCISES
from deployworkbook.teaching.collecting.calling import Caller, Function, Isolation
from deployworkbook.teaching.collecting.reading import Folder, read_folder
from deployworkbook.teaching.collecting.reasons import Reason, text_of
from deployworkbook.teaching.collecting.results import Attempt, Collection, Learner, counted
from deployworkbook.teaching.collecting.submission import SUFFIX, Answer, Handed, Submission
from deployworkbook.teaching.collecting.wrong import Judged, compared
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
        self._known: dict[Place, Judged | Reason] = {}
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
        found = [self._judged(exercise, answer) for answer in handed.answers]
        judged = [each for each in found if isinstance(each, Judged)]
        reasons: list[Reason] = [each for each in found if not isinstance(each, Judged)]
        pairs = [(text_of("lost"), handed.lost)] if handed.lost else []
        unjudged = handed.lost + len(reasons)
        return Attempt(
            is_solved=any(each.verdict.status == "right" for each in judged),
            tries=len({each.verdict.answer_key for each in judged}) + unjudged,
            mistakes=tuple(
                dict.fromkeys(each.verdict.mistake for each in judged if each.verdict.mistake)
            ),
            others=tuple(dict.fromkeys(each.other for each in judged if each.other)),
            unjudged=unjudged,
            reasons=counted([*pairs, *((text_of(each), 1) for each in reasons)]),
            looked_up=reasons.count("looked up"),
            stated_tries=handed.tries,
        )

    def _judged(self, exercise: str, answer: Answer) -> Judged | Reason:
        """Return what an answer is worth, or why it can't be judged."""
        if "code" not in answer:
            return _compared(exercise, [numbers_from(answer)])
        if _looks_up(answer):
            return "looked up"
        if self._caller.isolation == "none":
            return "not called"
        return self._known.get((exercise, answer["code"], answer["name"]), "no time left")

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
                self._known[place] = ending


def _looks_up(answer: Answer) -> bool:
    return LOOKS_UP.search(answer.get("code", "")) is not None


@cache
def _standard(exercise: str) -> Standard:
    return Standard(EXERCISES[exercise])


def _compared(exercise: str, numbers: list[Any]) -> Judged | Reason:
    try:
        with np.errstate(all="ignore"):
            return compared(_standard(exercise), numbers)
    except Exception:  # numbers that nobody thought of must not end a whole class's collection
        return "not comparable"


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
