"""Check answers in a lesson: print the verdict, give hints, record the try."""

from __future__ import annotations

import os
from typing import Any

from IPython.core.getipython import get_ipython
from IPython.display import display

from deployworkbook.exercises.declaration import Exercise
from deployworkbook.exercises.filling import is_filled
from deployworkbook.exercises.folding import Fold
from deployworkbook.exercises.judging import judge
from deployworkbook.exercises.kept import keep
from deployworkbook.exercises.progress import record
from deployworkbook.exercises.registry import EXERCISES
from deployworkbook.validation import check_choice
from deployworkbook.workspace.folder import RUN_VARIABLE

# Title of an exercise's last hint.
SOLUTION = "Solution"
# For a right answer in a cell with the mark of a filled one.
NOT_YOURS = (
    "Right. This answer was filled in, so it doesn't count as yours. If you write your own, delete "
    "the comment in the first line."
)


def check(exercise_id: str, answer: Any) -> None:
    """Check an answer; if it is wrong, explain the mistake or give an increasingly detailed hint.

    No answer raises an error, so an unsolved exercise doesn't stop a notebook. Only an answer with
    new values counts as a try, so running a cell again reveals nothing. The last hint, which is
    the solution, and the right value of the failing case are folded. A headless run, whose pages
    nobody can answer on, folds all hints of an exercise that has no answer. An answer that was
    filled in is judged, but not recorded as solved.

    Answers are kept in the learner's folder. Only ``deployworkbook submit`` sends them anywhere.

    Args:
        exercise_id: Name of the exercise.
        answer: Number, array or function, as the exercise asks for.

    Raises:
        ValueError: There is no such exercise.
    """
    exercise = find_exercise(exercise_id)
    verdict = judge(exercise, answer)
    if verdict.status == "right" and is_filled(_running_cell()):
        print(NOT_YOURS)
        return
    print(verdict.text)
    if verdict.status == "not answered" and os.environ.get(RUN_VARIABLE):
        for place in range(len(exercise.hints)):
            display(_hint(exercise, place))
    if not verdict.answer_key:
        return
    is_right = verdict.status == "right"
    keep(exercise_id, answer, answer_key=verdict.answer_key, is_right=is_right)
    is_hinted = verdict.status == "not yet" and not verdict.is_known_mistake
    place = record(
        exercise_id,
        solved=is_right,
        answer_key=verdict.answer_key,
        is_hinted=is_hinted,
    )
    if not is_hinted:
        return
    hint = _hint(exercise, min(place, len(exercise.hints) - 1))
    if hint.title != SOLUTION:
        print(hint)
        return
    display(hint)
    if verdict.right_value:
        display(Fold("Right value for these arguments", verdict.right_value))


def _running_cell() -> str:
    """Return the text of the notebook's cell that is running; empty outside a notebook."""
    shell = get_ipython()
    cells = shell.user_ns.get("In") if shell else None
    return str(cells[-1]) if cells else ""


def _hint(exercise: Exercise, place: int) -> Fold:
    """Return a hint by its place; the last one is the solution."""
    is_last = place == len(exercise.hints) - 1
    return Fold(SOLUTION if is_last else "Hint", exercise.hints[place])


def find_exercise(exercise_id: str) -> Exercise:
    """Return an exercise by name.

    Raises:
        ValueError: There is no such exercise; the message suggests the closest name.

    >>> find_exercise("losses.mean").lesson
    '02_loss_functions'
    """
    return EXERCISES[check_choice("exercise", exercise_id, EXERCISES)]
