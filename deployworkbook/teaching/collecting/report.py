"""What a teacher reads of a class's answers: tables, a page, and a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from deployworkbook.exercises.registry import EXERCISES
from deployworkbook.jupyter.lessons import find_lesson
from deployworkbook.jupyter.sections import exercise_titles
from deployworkbook.teaching.collecting.calling import Isolation
from deployworkbook.teaching.collecting.results import Collection, Counted, ExerciseRow, Learner
from deployworkbook.workspace.templates import render

TEMPLATES = Path(__file__).parent.parent / "templates"

FORMATIVE = (
    "This is formative: it says what to discuss, and is no basis for grades. Every answer was "
    "judged again here, whatever a learner's folder says. A right answer that was copied, from a "
    "neighbour or from the package, can't be told from one that was found."
)
ISOLATION: dict[Isolation, str] = {
    "confined": (
        "Learners' functions were called in a process that the system (seccomp) lets neither open "
        "files, nor use the network, nor start or signal other processes; its time and memory are "
        "limited. This was tried out before the first call."
    ),
    "guarded": (
        "Learners' functions were called in a process of their own whose time is limited, and "
        "Python's own calls for files, network and processes were blocked. That stops accidents, "
        "but not somebody who means harm."
    ),
    "none": (
        "Learners' functions were not called, because this system can't confine a process. Collect "
        "on Linux, in a container or in WSL, or add --unconfined if you trust your class."
    ),
}


@dataclass(frozen=True)
class Point:
    """A mistake to discuss.

    Args:
        exercise: Name of the exercise.
        learners: Number of learners who made it.
        tried: Number of learners who tried the exercise.
        text: What learners read about it, or what they answered.
    """

    exercise: str
    learners: int
    tried: int
    text: str


def points_of(collection: Collection) -> list[Point]:
    """Return the class's common mistakes, most frequent first.

    Args:
        collection: The class's answers.
    """
    return _sorted((row, row.mistakes) for row in collection.rows())


def others_of(collection: Collection) -> list[Point]:
    """Return the most frequent wrong answers that no hint explains, of each exercise.

    Args:
        collection: The class's answers.
    """
    return _sorted((row, row.others) for row in collection.rows())


def _sorted(found: Iterable[tuple[ExerciseRow, Counted]]) -> list[Point]:
    points = [
        Point(row.exercise, count, row.tried, text) for row, texts in found for text, count in texts
    ]
    return sorted(points, key=lambda point: -point.learners)


@cache
def place_of(exercise: str) -> tuple[str, str]:
    """Return where learners find an exercise: its lesson's number, and what the lesson calls it.

    Args:
        exercise: Name of the exercise.

    >>> place_of("losses.logits")
    ('02', 'Exercise 2')
    """
    lesson = find_lesson(EXERCISES[exercise].lesson)
    return lesson.number, _titles(lesson.number).get(exercise, "")


@cache
def _titles(lesson: str) -> dict[str, str]:
    return exercise_titles(find_lesson(lesson))


def as_data(collection: Collection) -> dict[str, Any]:
    """Return all that was found, for JSON.

    Args:
        collection: The class's answers.
    """
    return {
        "formative": FORMATIVE,
        "isolation": collection.isolation,
        "isolation_text": ISOLATION[collection.isolation],
        "exercises": [
            {
                "exercise": row.exercise,
                "lesson": EXERCISES[row.exercise].lesson,
                "title": place_of(row.exercise)[1],
                "solved": row.solved,
                "tried": row.tried,
                "median_tries": row.median_tries,
                "unjudged": row.unjudged,
                "why_unjudged": dict(row.reasons),
                "looked_up": row.looked_up,
            }
            for row in collection.rows()
        ],
        "mistakes": [asdict(point) for point in points_of(collection)],
        "other_wrong_answers": [asdict(point) for point in others_of(collection)],
        "learners": [asdict(learner) for learner in collection.learners],
        "refused": [asdict(each) for each in collection.refused],
    }


def as_csv(collection: Collection) -> str:
    """Return a row per learner: 1 for a solved exercise, 0 for one that was only tried.

    Args:
        collection: The class's answers.
    """
    names = [row.exercise for row in collection.rows()]
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(
        ["learner", "solved", "tried", "tries", "tries stated", "not judged", "why", *names]
    )
    for learner in collection.learners:
        attempts = learner.attempts
        counts = (
            sum(each.is_solved for each in attempts.values()),
            len(attempts),
            sum(each.tries for each in attempts.values()),
            sum(each.stated_tries for each in attempts.values()),
            sum(each.unjudged for each in attempts.values()),
        )
        marks = [int(attempts[name].is_solved) if name in attempts else "" for name in names]
        table.writerow([learner.pseudonym, *counts, _why(learner), *marks])
    return out.getvalue()


def _why(learner: Learner) -> str:
    """Say why a learner's answers weren't judged, exercise by exercise."""
    return " ".join(
        f"{exercise}: {text}"
        for exercise, attempt in learner.attempts.items()
        for text, _ in attempt.reasons
    )


def as_html(collection: Collection) -> str:
    """Return a page to print, without scripts or requests.

    Args:
        collection: The class's answers.
    """
    return render(
        TEMPLATES / "collection.html.j2",
        collection=collection,
        rows=collection.rows(),
        points=points_of(collection),
        others=others_of(collection),
        place_of=place_of,
        formative=FORMATIVE,
        isolation=ISOLATION[collection.isolation],
    )
