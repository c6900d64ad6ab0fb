"""Wrong answers that no common mistake explains, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deployworkbook.exercises.judging import (
    Standard,
    Verdict,
    arguments_text,
    first_difference,
    number_text,
)

# Characters of an answer that a teacher reads.
LONGEST = 120


@dataclass(frozen=True)
class Judged:
    """An answer, judged.

    Args:
        verdict: What it is worth.
        other: A sentence about it, if it is wrong and no common mistake; otherwise empty.
    """

    verdict: Verdict
    other: str = ""


def compared(standard: Standard, given: list[Any]) -> Judged:
    """Judge an answer's numbers, and say what they are if no hint does.

    Args:
        standard: What to compare with.
        given: An array per case; of float64.
    """
    verdict = standard.judge(given)
    if verdict.status == "right" or verdict.mistake:
        return Judged(verdict)
    exercise = standard.exercise
    place = first_difference(exercise, given, standard.accepted[0])
    number = _line(number_text(given[place]))
    is_rounded = verdict.is_known_mistake
    if not exercise.cases:
        if is_rounded:
            return Judged(verdict, f"{number}: close to the right answer, perhaps rounded.")
        return Judged(verdict, f"{number}, which no hint explains.")
    arguments = _line(arguments_text(exercise, exercise.cases[place]))
    if is_rounded:
        return Judged(verdict, f"{number} for {arguments}: close to it, perhaps rounded.")
    return Judged(verdict, f"{number} for {arguments}, which no hint explains.")


def _line(text: str) -> str:
    """Put a text on one line that isn't too long."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"
