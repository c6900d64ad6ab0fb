"""Answers compared with the right one, and with the usual wrong ones."""

from __future__ import annotations

import copy
import difflib
import traceback
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from deployworkbook.exercises.catalogue import EXERCISES
from deployworkbook.exercises.declaration import Exercise
from deployworkbook.exercises.progress import record
from deployworkbook.validation import describe, message

Status = Literal["right", "not yet", "not answered"]


@dataclass(frozen=True)
class Verdict:
    """What a check found.

    Args:
        status: One of three words.
        text: What is said to the learner, without a hint.
        is_known_mistake: Whether the text names what went wrong, so that no hint is needed.
    """

    status: Status
    text: str
    is_known_mistake: bool = False


class _UnansweredError(Exception):
    """There is no answer yet."""


class _FailedError(Exception):
    """The learner's function raised, or returned what is no number."""


def check(exercise_id: str, answer: Any) -> None:
    """Say whether an answer is right; if not, what is wrong with it, or a hint that grows.

    Whatever the answer is, nothing is raised: an unsolved exercise stops no notebook.

    Args:
        exercise_id: Which exercise.
        answer: A number, an array or a function, as the exercise asks for.

    Raises:
        ValueError: There is no such exercise.
    """
    exercise = find_exercise(exercise_id)
    verdict = judge(exercise, answer)
    if verdict.status == "not answered":
        print(f"Not answered yet.\nExpected: {exercise.expected}.")
        return
    tries = record(exercise_id, solved=verdict.status == "right")
    print(verdict.text)
    if verdict.status == "not yet" and not verdict.is_known_mistake:
        hint = exercise.hints[min(tries, len(exercise.hints)) - 1]
        print(f"Hint: {hint}")


def find_exercise(exercise_id: str) -> Exercise:
    """Find an exercise.

    Raises:
        ValueError: There is none of this name; the message offers the nearest.

    >>> find_exercise("losses.mean").lesson
    '02_loss_functions'
    """
    if exercise_id in EXERCISES:
        return EXERCISES[exercise_id]
    near = difflib.get_close_matches(str(exercise_id), EXERCISES, 3, cutoff=0.3)
    expected = "one of " + ", ".join(near or EXERCISES)
    raise ValueError(message("exercise", received=repr(exercise_id), expected=expected))


def judge(exercise: Exercise, answer: Any) -> Verdict:
    """Compare an answer with the right one and the known mistakes; print and record nothing.

    Args:
        exercise: Which.
        answer: The learner's.
    """
    try:
        given = _results(exercise, answer)
    except _UnansweredError:
        return Verdict("not answered", "")
    except _FailedError as error:
        return Verdict("not yet", str(error), is_known_mistake=True)
    right = _results(exercise, exercise.reference)
    if _equal(exercise, given, right):
        return Verdict("right", "Right.")
    for mistake in exercise.mistakes:
        if _equal(exercise, given, _results(exercise, mistake.answer)):
            return Verdict("not yet", f"Not yet. {mistake.text}", is_known_mistake=True)
    return Verdict("not yet", _difference(exercise, given, right))


def _results(exercise: Exercise, answer: Any) -> list[Any]:
    """The numbers that an answer stands for: itself, or what it returns for each case."""
    if not exercise.cases:
        return [_numbers(exercise, answer)]
    if answer is ... or answer is None:
        raise _UnansweredError
    if not callable(answer):
        raise _FailedError(f"Not yet. Expected: {exercise.expected}. Received: {describe(answer)}.")
    results = []
    for case in exercise.cases:
        try:
            # Copies: an answer that changes its arguments must not change the next case.
            returned = answer(*copy.deepcopy(case))
        except NotImplementedError as error:
            raise _UnansweredError from error
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            where = f' in the line "{frames[-1].line}"' if frames[-1].line else ""
            raise _FailedError(
                f"Not yet. Your function raised {type(error).__name__}: {error}{where}."
            ) from error
        results.append(_numbers(exercise, returned))
    return results


def _numbers(exercise: Exercise, value: Any) -> Any:
    if value is ... or value is None:
        raise _UnansweredError
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise _FailedError(
            f"Not yet. Expected: {exercise.expected}. Received: {describe(value)}."
        ) from error


def _equal(exercise: Exercise, first: list[Any], second: list[Any]) -> bool:
    return all(
        a.shape == b.shape
        and np.allclose(a, b, rtol=exercise.relative_tolerance, atol=1e-12, equal_nan=True)
        for a, b in zip(first, second, strict=True)
    )


def _difference(exercise: Exercise, given: list[Any], right: list[Any]) -> str:
    for case, a, b in zip(exercise.cases or ((),), given, right, strict=True):
        if a.shape != b.shape:
            return (
                f"Not yet. Expected: {exercise.expected}, shape {b.shape}. "
                f"Received: shape {a.shape}."
            )
        if not _equal(exercise, [a], [b]):
            received = f"{a:g}" if a.ndim == 0 else np.array2string(a, precision=4, threshold=12)
            where = f" for the arguments {', '.join(map(repr, case))}" if case else ""
            return f"Not yet. Expected: {exercise.expected}. Received: {received}{where}."
    raise AssertionError("two answers differ and are equal")
