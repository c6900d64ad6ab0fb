"""A simulated learner: right answers, usual mistakes, and answers that don't come in time."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from deployworkbook.exercises.checking import find_exercise
from deployworkbook.exercises.filling import checked_in, fill, names_of_imports
from deployworkbook.exercises.registry import PREDICTIONS
from deployworkbook.jupyter.sections import Cell, source_of
from deployworkbook.teaching.timing import added_cell

Kind = Literal["right", "wrong", "late"]
# The class as a teacher knows it: in turns.
KINDS: tuple[Kind, ...] = ("right", "wrong", "late")

GUESSED = re.compile(r"^(\w+) = predict\(\s*\"([a-z0-9_.]+)\"", re.MULTILINE)
CHECKED_NAME = r"(\bcheck\(\s*\"{exercise}\",\s*)\w+(\s*\))"


@dataclass(frozen=True)
class Answer:
    """What the learner answers, and what the workbook should say.

    Args:
        name: The exercise or prediction.
        kind: ``right``, ``wrong`` (a usual mistake), or ``late`` (nothing yet).
        expected: What the verdict begins with.
        cell: Identifier of the cell that prints the verdict.
    """

    name: str
    kind: Kind
    expected: str
    cell: str


def answer_all(cells: Sequence[Cell]) -> tuple[list[Cell], list[Answer]]:
    """Answer the exercises and lock the guesses of a lesson's cells.

    Args:
        cells: The cells, in order.

    Returns:
        The cells with the answers, and what should be said about each.
    """
    kinds, guesses = itertools.cycle(KINDS), itertools.cycle(KINDS)
    imported: set[str] = set()
    answered: list[Cell] = []
    answers: list[Answer] = []
    for cell in cells:
        source = source_of(cell)
        if cell["cell_type"] == "code":
            for name in checked_in(source):
                source, answer = _answered(source, name, next(kinds), cell["id"], imported)
                answers.append(answer)
            imported |= names_of_imports([source])
        answered.append({**cell, "source": source})
        for locking, answer in _locked(cell, source, guesses):
            answered.append(locking)
            answers.append(answer)
    return answered, answers


def usual_mistake(exercise_id: str) -> Any:
    """Return the wrong answer that an exercise names first.

    Args:
        exercise_id: An exercise with at least one named mistake.
    """
    return find_exercise(exercise_id).mistakes[0].answer


def _answered(
    source: str, name: str, kind: Kind, cell: str, imported: set[str]
) -> tuple[str, Answer]:
    """Return a cell with an answer to one exercise, and what should be said about it."""
    exercise = find_exercise(name)
    if kind == "wrong" and exercise.mistakes:
        given = f'{{0}}usual_mistake("{name}"){{1}}'
        calls = re.sub(
            CHECKED_NAME.format(exercise=re.escape(name)),
            lambda found: given.format(found[1], found[2]),
            source,
        )
        own = "from deployworkbook.teaching.simulated import usual_mistake\n\n"
        said = f"Not yet. {exercise.mistakes[0].text}"
        return own + calls, Answer(name, "wrong", said, cell)
    if kind == "late":
        return source, Answer(name, "late", "Not answered yet.", cell)
    # The learner's own answer, so without the mark of a filled cell.
    filled = fill(source, exercise, why="here.", imported=imported).partition("\n")[2]
    return filled, Answer(name, "right", "Right.", cell)


def _locked(cell: Cell, source: str, kinds: Iterator[Kind]) -> Iterator[tuple[Cell, Answer]]:
    """Give a cell that locks a guess and prints the verdict, for each guess that a cell asks."""
    if cell["cell_type"] != "code":
        return
    for variable, name in GUESSED.findall(source):
        prediction, kind = PREDICTIONS[name], next(kinds)
        choice, said = prediction.answer, f"You guessed “{prediction.answer}”, and that's right."
        if kind == "wrong":
            choice = next(each for each in prediction.choices if each != prediction.answer)
            said = f"You guessed “{choice}”. The answer: “{prediction.answer}”."
        elif kind == "late":
            said = ""
        lock = "" if kind == "late" else f"{variable}.lock({choice!r})\n"
        number = f"{cell['id']}-guess"
        locking = added_cell(number, f"{lock}print({variable}.verdict)")
        yield locking, Answer(name, kind, said, number)
