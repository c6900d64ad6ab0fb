"""A learner's progress: exercises tried and solved, and guesses made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from deployworkbook.exercises import store
from deployworkbook.exercises.registry import EXERCISES, PREDICTIONS
from deployworkbook.workspace.folder import Workspace

TRIES: store.Fields = {
    "tries": 0,
    "solved_at": None,
    "answers": [],
    "hinted": [],
    "filled_at": None,
}
GUESSES: store.Fields = {"guess": store.REQUIRED, "made_at": store.REQUIRED}

# Number of answers remembered; beyond that, old answers count as new again.
MOST_ANSWERS = 200


@dataclass(frozen=True)
class LessonProgress:
    """A learner's progress in one lesson.

    Args:
        lesson: Name of the lesson.
        solved: Number of exercises solved.
        total: Number of exercises.
        tries: Number of different answers, right or wrong.
        guesses: Number of guesses made.
        filled: Number of exercises whose answer was filled in, and which aren't solved.
    """

    lesson: str
    solved: int
    total: int
    tries: int
    guesses: int
    filled: int = 0


def record(
    exercise_id: str,
    *,
    solved: bool,
    answer_key: str,
    is_hinted: bool = False,
    workspace: Workspace | None = None,
) -> int:
    """Record an answer; return its index among the answers that got a hint, from 0.

    A repeated answer is not a new try, and keeps its index. A solved exercise stays solved, at the
    time when it was first solved.

    Args:
        exercise_id: Name of the exercise.
        solved: Whether the answer was right.
        answer_key: Key that identifies an answer, such as a hash of its values.
        is_hinted: Whether it gets a hint; only such answers have an index.
        workspace: Workspace of the learner; by default this process's.

    Returns:
        The index, or -1 for an answer that gets no hint.
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


def record_filled(exercise_ids: Iterable[str], *, workspace: Workspace | None = None) -> None:
    """Record that answers were filled in by a command; that isn't a try, and solves nothing.

    Args:
        exercise_ids: Names of the exercises.
        workspace: Workspace of the learner; by default this process's.
    """

    def mark(progress: store.Records) -> None:
        for name in exercise_ids:
            progress.setdefault(name, store.blank(TRIES))["filled_at"] = _now()

    store.update("progress", TRIES, mark, workspace)


def solved_exercises(workspace: Workspace) -> set[str]:
    """Return the names of the exercises that a learner has solved.

    Args:
        workspace: The learner's folder.
    """
    progress = store.read("progress", TRIES, workspace)
    return {name for name, entry in progress.items() if entry["solved_at"] is not None}


def record_guess(prediction_id: str, guess: str, *, workspace: Workspace | None = None) -> str:
    """Record a guess unless there is one already; return the recorded guess.

    Args:
        prediction_id: Name of the prediction.
        guess: The learner's choice.
        workspace: Workspace of the learner; by default this process's.
    """

    def keep(guesses: store.Records) -> str:
        entry = guesses.setdefault(prediction_id, {"guess": guess, "made_at": _now()})
        return str(entry["guess"])

    return store.update("predictions", GUESSES, keep, workspace)


def guess_made(prediction_id: str, *, workspace: Workspace | None = None) -> str | None:
    """Return the learner's guess, if there is one."""
    entry = store.read("predictions", GUESSES, workspace).get(prediction_id)
    return None if entry is None else str(entry["guess"])


def summary(workspace: Workspace) -> list[LessonProgress]:
    """Return a learner's progress per lesson, in order.

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
                filled=sum(
                    entry["filled_at"] is not None and entry["solved_at"] is None
                    for entry in entries
                ),
            )
        )
    return rows


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
