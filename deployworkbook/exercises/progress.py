"""Which exercises a learner has tried and solved, in their own folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from filelock import FileLock

from deployworkbook.exercises.catalogue import EXERCISES
from deployworkbook.workspace import (
    Workspace,
    current_workspace,
    set_aside,
    write_atomically,
)


@dataclass(frozen=True)
class LessonProgress:
    """How far a learner is with one lesson.

    Args:
        lesson: Its name.
        solved: Exercises solved.
        total: Exercises that there are.
        tries: Answers given, right or wrong.
    """

    lesson: str
    solved: int
    total: int
    tries: int


def record(exercise_id: str, *, solved: bool, workspace: Workspace | None = None) -> int:
    """Add a try; return how many there have been. What is solved once stays solved.

    Safe for several notebooks at once.

    Args:
        exercise_id: Which exercise.
        solved: Whether the answer was right.
        workspace: Whose; by default that of this process.
    """
    home = (workspace or current_workspace()).create()
    with FileLock(home.records / "progress.lock"):
        progress = _read(home)
        entry = progress.setdefault(exercise_id, {"tries": 0, "solved_at": None})
        entry["tries"] += 1
        if solved and entry["solved_at"] is None:
            entry["solved_at"] = datetime.now(UTC).isoformat(timespec="seconds")
        write_atomically(home.records / "progress.json", json.dumps(progress, indent=1))
        return int(entry["tries"])


def summary(workspace: Workspace) -> list[LessonProgress]:
    """Sum a learner's progress up by lesson, in order."""
    progress = _read(workspace)
    lessons = sorted({exercise.lesson for exercise in EXERCISES.values()})
    rows = []
    for lesson in lessons:
        own = [each for each in EXERCISES.values() if each.lesson == lesson]
        entries = [progress[each.id] for each in own if each.id in progress]
        rows.append(
            LessonProgress(
                lesson,
                solved=sum(entry["solved_at"] is not None for entry in entries),
                total=len(own),
                tries=sum(entry["tries"] for entry in entries),
            )
        )
    return rows


def _read(workspace: Workspace, notice: Callable[[str], None] = print) -> dict[str, dict[str, Any]]:
    path = workspace.records / "progress.json"
    if not path.exists():
        return {}
    try:
        progress: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        for entry in progress.values():
            if not isinstance(entry["tries"], int) or "solved_at" not in entry:
                raise ValueError("an entry is no record of tries")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        aside = set_aside(path)
        notice(f"Your progress in {path} is damaged ({error}). It was moved to {aside.name}.")
        return {}
    return progress
