"""Judge an answer: right, a common mistake, rounded, or how it differs from the right one."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from deployworkbook.exercises.calling import CallError, NoValueError, call, parameters_of
from deployworkbook.exercises.declaration import Exercise
from deployworkbook.validation import describe
from deployworkbook.workspace.plain_numbers import real_array

Status = Literal["right", "not yet", "not answered"]

# Relative error below which an answer may be rounded rather than wrong: two significant digits.
ROUNDED = 0.05
# Significant digits by which wrong answers are told apart.
DIGITS = 6


@dataclass(frozen=True)
class Verdict:
    """The result of a check.

    Args:
        status: Whether the answer is right, wrong or missing.
        text: Text for the learner, without a hint.
        is_known_mistake: Whether the text explains the mistake, so that no hint is needed.
        answer_key: Hash of the answer's values; empty if it has none.
        right_value: What a function should return for the case that the text names; empty if there
            is no such case.
        mistake: Text of the common mistake that the answer makes; empty if it makes none.
    """

    status: Status
    text: str
    is_known_mistake: bool = False
    answer_key: str = ""
    right_value: str = ""
    mistake: str = ""


class Standard:
    """What an exercise's answers are compared with; computed when first needed, and then kept.

    Args:
        exercise: Exercise.
    """

    def __init__(self, exercise: Exercise) -> None:
        self.exercise = exercise

    @cached_property
    def accepted(self) -> list[list[Any]]:
        """The numbers of each right answer; the reference's first."""
        answers = (self.exercise.reference, *self.exercise.also_right)
        return [results_of(self.exercise, each) for each in answers]

    @cached_property
    def mistaken(self) -> list[list[Any]]:
        """The numbers of each common mistake, in the exercise's order."""
        return [results_of(self.exercise, each.answer) for each in self.exercise.mistakes]

    def judge(self, given: list[Any]) -> Verdict:
        """Compare an answer's numbers with the right ones and those of common mistakes.

        Args:
            given: An array per case; of float64.
        """
        exercise, key = self.exercise, _key(given)
        if any(_equal(exercise.relative_tolerance, given, each) for each in self.accepted):
            return Verdict("right", "Right.", answer_key=key)
        for mistake, numbers_of_it in zip(exercise.mistakes, self.mistaken, strict=True):
            if _equal(exercise.relative_tolerance, given, numbers_of_it):
                text = f"Not yet. {mistake.text}"
                return Verdict("not yet", text, True, key, mistake=mistake.text)
        right = self.accepted[0]
        if _is_rounded(given, right):
            text = (
                "Not yet, but you are close: is a number rounded? "
                f"Give at least {_digits(exercise.relative_tolerance)} significant digits."
            )
            return Verdict("not yet", text, True, key)
        text, right_value = _difference(exercise, given, right)
        return Verdict("not yet", text, answer_key=key, right_value=right_value)


def judge(exercise: Exercise, answer: Any) -> Verdict:
    """Compare an answer with the right one and known mistakes, without printing or recording.

    Args:
        exercise: Exercise.
        answer: The learner's answer.
    """
    try:
        given = results_of(exercise, answer)
    except NoValueError as reason:
        said = " ".join(part for part in ("Not answered yet.", str(reason)) if part)
        return Verdict("not answered", f"{said}\nExpected: {exercise.expected}.")
    except CallError as reason:
        return Verdict("not yet", f"Not yet. {reason}", is_known_mistake=True)
    return Standard(exercise).judge(given)


def results_of(exercise: Exercise, answer: Any) -> list[Any]:
    """Return an answer's numbers: the answer itself, or a function's result for each case.

    Args:
        exercise: Exercise.
        answer: The learner's answer.

    Raises:
        NoValueError: There is no answer yet.
        CallError: It is no number or array, or the function failed.
    """
    if answer is ... or answer is None:
        raise NoValueError
    if not exercise.cases:
        return [_numbers(exercise, answer)]
    if not callable(answer):
        raise _unexpected(exercise, answer)
    return [
        _numbers(exercise, call(answer, case, limit_s=exercise.time_limit_s))
        for case in exercise.cases
    ]


def _numbers(exercise: Exercise, value: Any) -> Any:
    try:
        return real_array(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise _unexpected(exercise, value) from error


def _unexpected(exercise: Exercise, value: Any) -> CallError:
    return CallError(f"Expected: {exercise.expected}. Received: {describe(value)}.")


def _equal(relative_tolerance: float, first: list[Any], second: list[Any]) -> bool:
    return all(
        a.shape == b.shape
        and np.allclose(a, b, rtol=relative_tolerance, atol=1e-12, equal_nan=True)
        for a, b in zip(first, second, strict=True)
    )


def _is_rounded(given: list[Any], right: list[Any]) -> bool:
    """Return whether each number is the right one, rounded to at least two significant digits."""
    if not _equal(ROUNDED, given, right):
        return False
    return all(
        any(np.allclose(a, _to_digits(b, digits), rtol=1e-9) for digits in range(2, 8))
        for a, b in zip(given, right, strict=True)
    )


def _to_digits(values: Any, digits: int) -> Any:
    return np.vectorize(lambda value: float(f"{value:.{digits}g}"), otypes=[float])(values)


def _digits(relative_tolerance: float) -> int:
    """Return how many significant digits keep a rounded number within a tolerance.

    >>> _digits(1e-3)
    4
    """
    return max(2, 1 - int(np.floor(np.log10(relative_tolerance))))


def _key(results: list[Any]) -> str:
    text = repr([(a.shape, [f"{value:.{DIGITS}g}" for value in a.flat]) for a in results])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _difference(exercise: Exercise, given: list[Any], right: list[Any]) -> tuple[str, str]:
    """Return what differs in the first failing case, and that case's right value."""
    place = first_difference(exercise, given, right)
    case, a, b = (exercise.cases or ((),))[place], given[place], right[place]
    expected = exercise.expected
    is_misshapen = a.shape != b.shape
    received = _form(a) if is_misshapen else number_text(a)
    wanted = f"Not yet. Expected: {expected}."
    if is_misshapen:
        wanted = f"Not yet. Expected: {expected}, {_form(b)}."
    if not case:
        return f"{wanted} Received: {received}.", ""
    arguments = arguments_text(exercise, case)
    return f"{wanted} Received: {received} for {arguments}.", number_text(b)


def first_difference(exercise: Exercise, given: list[Any], right: list[Any]) -> int:
    """Return the index of the first case in which two answers differ.

    Args:
        exercise: Exercise.
        given: An array per case.
        right: The same of the other answer.
    """
    pairs = zip(given, right, strict=True)
    equal = [_equal(exercise.relative_tolerance, [a], [b]) for a, b in pairs]
    return equal.index(False)


def number_text(value: Any) -> str:
    """Format a number or an array on about one line.

    Args:
        value: An array of float64, with any number of axes.

    >>> number_text(np.asarray(4.0)), number_text(np.asarray([0.5, 2.0]))
    ('4', '[0.5 2. ]')
    """
    if value.ndim == 0:
        return f"{value:g}"
    # Whole numbers without a point, as learners write them. From 2^53 on, floats have gaps.
    is_whole = bool(np.all((value == np.rint(value)) & (np.abs(value) < 2**53)))
    return _short(value.astype(np.int64) if is_whole else value)


def _form(array: Any) -> str:
    return "a single number" if array.ndim == 0 else f"an array of shape {array.shape}"


def arguments_text(exercise: Exercise, case: tuple[Any, ...]) -> str:
    """Return a case's arguments in words: ``values = [1. 2.], scale = 0.1``.

    Args:
        exercise: Exercise whose answer is a function.
        case: One of its cases.
    """
    names = parameters_of(exercise.reference).split(", ")
    pairs = zip(names, case, strict=True)
    return ", ".join(f"{name} = {_short(value)}" for name, value in pairs)


def _short(value: Any) -> str:
    """Format a value on about one line; long arrays and lists by their ends and their size."""
    if isinstance(value, list | tuple) and len(value) > 12:
        value = np.asarray(value)
    if not isinstance(value, np.ndarray):
        return repr(value)
    text = np.array2string(value, precision=4, threshold=12, edgeitems=2)
    if re.search(r"[\d.]e[+-]", text):
        # NumPy gives all numbers an exponent if their sizes differ much, even 128 and 0.5.
        text = np.array2string(
            value, threshold=12, edgeitems=2, formatter={"float_kind": "{:.5g}".format}
        )
    return f"{text} ({value.size} values)" if value.size > 12 else text
