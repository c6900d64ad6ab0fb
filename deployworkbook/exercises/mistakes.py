"""The common mistakes of an exercise, with what a learner who makes one gets."""

from __future__ import annotations

from dataclasses import dataclass

from deployworkbook.exercises.declaration import Exercise
from deployworkbook.exercises.judging import (
    Standard,
    arguments_text,
    first_difference,
    number_text,
)


@dataclass(frozen=True)
class ShownMistake:
    """A common mistake, in numbers and in words.

    Args:
        arguments: For a function, the first arguments that tell the mistake from the right answer.
        right: The right answer for them.
        received: The answer with the mistake.
        text: Explanation for the learner.
    """

    arguments: str
    right: str
    received: str
    text: str


def shown_mistakes(exercise: Exercise) -> list[ShownMistake]:
    """Return an exercise's common mistakes, in its order.

    Args:
        exercise: Exercise.

    >>> from deployworkbook.exercises.checking import find_exercise
    >>> shown_mistakes(find_exercise("losses.mean"))[0].received
    '13'
    """
    standard = Standard(exercise)
    right = standard.accepted[0]
    shown = []
    for mistake, numbers in zip(exercise.mistakes, standard.mistaken, strict=True):
        place = first_difference(exercise, numbers, right)
        arguments = arguments_text(exercise, exercise.cases[place]) if exercise.cases else ""
        received, expected = number_text(numbers[place]), number_text(right[place])
        shown.append(ShownMistake(arguments, expected, received, mistake.text))
    return shown
