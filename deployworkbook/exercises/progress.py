"""Which exercises a learner has tried and solved, and which guesses they have made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from deployworkbook.exercises import store
from deployworkbook.exercises.registry import EXERCISES, PREDICTIONS
from deployworkbook.workspace.folder import Workspace

TRIES: store.Fields = {"tries": 0, "solved_at": None, "answers": [], "hinted": []}
GUESSES: store.Fields = {"guess": store.REQUIRED, "made_at": store.REQUIRED}

# Answers that are told apart; more are counted as new each time.
MOST_ANSWERS = 200


@dataclass(frozen=True)
class LessonProgress:
    """How far a learner is with one lesson.

    Args:
        lesson: Its name.
        solved: Exercises solved.
        total: Exercises that there are.
        tries: Different answers given, right or wrong.
        guesses: Predictions made.
    """

    lesson: str
    solved: int
    total: int
    tries: int
    guesses: int


def record(
    exercise_id: str,
    *,
    solved: bool,
    answer_key: str,
    is_hinted: bool = False,
    workspace: Workspace | None = None,
) -> int:
    """Keep an answer; return which of the hinted answers it is, counted from 0.

    An answer that was given before is no new try, and gets the place that it had. What is solved
    once stays solved, at the time when it first was.

    Args:
        exercise_id: Which exercise.
        solved: Whether the answer was right.
        answer_key: What tells answers apart, such as a hash of their values.
        is_hinted: Whether it gets a hint; only such answers have a place.
        workspace: Whose; by default that of this process.

    Returns:
        The place, or -1 for an answer that gets no hint.
    """

    def add(progress: store.Records) -> int:
        entry = progress.setdefault(exercise_id, store.blank(TRIES))
        if answer_key not in entry["answers"]:
            entry["tries"] += 1
            entry["answers"] = [*entry["answers"], answer_key][-MOST_ANSWERS:]
        if solved and entry["solved_at"] is None:
            entry["solved_at"] = _now()
        if not is_hinted:
            return -1
        if answer_key not in entry["hinted"]:
            entry["hinted"].append(answer_key)
        return int(entry["hinted"].index(answer_key))

    return store.update("progress", TRIES, add, workspace)


def record_guess(prediction_id: str, guess: str, *, workspace: Workspace | None = None) -> str:
    """Keep a guess; return the one that is kept, which is the first.

    Args:
        prediction_id: Which prediction.
        guess: What the learner chose.
        workspace: Whose; by default that of this process.
    """

    def keep(guesses: store.Records) -> str:
        entry = guesses.setdefault(prediction_id, {"guess": guess, "made_at": _now()})
        return str(entry["guess"])

    return store.update("predictions", GUESSES, keep, workspace)


def guess_made(prediction_id: str, *, workspace: Workspace | None = None) -> str | None:
    """Give the guess that a learner has made, if they have."""
    entry = store.read("predictions", GUESSES, workspace).get(prediction_id)
    return None if entry is None else str(entry["guess"])


def summary(workspace: Workspace) -> list[LessonProgress]:
    """Sum a learner's progress up by lesson, in order.

    Args:
        workspace: The learner's folder.
    """
    progress = store.read("progress", TRIES, workspace)
    guesses = store.read("predictions", GUESSES, workspace)
    rows = []
    for lesson in sorted({exercise.lesson for exercise in EXERCISES.values()}):
        own = [each.id for each in EXERCISES.values() if each.lesson == lesson]
        entries = [progress[name] for name in own if name in progress]
        rows.append(
            LessonProgress(
                lesson,
                solved=sum(entry["solved_at"] is not None for entry in entries),
                total=len(own),
                tries=sum(entry["tries"] for entry in entries),
                guesses=sum(
                    each.lesson == lesson and each.id in guesses for each in PREDICTIONS.values()
                ),
            )
        )
    return rows


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
