"""Measure the waits of lessons on this machine."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

from deployworkbook.execution.jobs import JobEvent
from deployworkbook.jupyter.lessons import Lesson
from deployworkbook.ledger.machine import this_machine
from deployworkbook.teaching.timing import Timed, time_lessons
from deployworkbook.teaching.waits import Wait, Waits
from deployworkbook.workspace.folder import SHARED_VARIABLE, Workspace

# With more of the cores taken by others before a measurement, the machine counts as busy.
BUSY_SHARE = 0.1


def empty_waits(*, data: str) -> Waits:
    """Return waits of this machine, today, with no lesson measured yet.

    Args:
        data: The data set that the lessons find: ``mnist`` or ``digits``.
    """
    return Waits(
        machine=str(this_machine()),
        tensorflow=version("tensorflow"),
        measured_on=datetime.now(UTC).strftime("%Y-%m-%d"),
        data=data,
        busy=psutil.cpu_percent(interval=0.5) > 100 * BUSY_SHARE,
    )


def record_waits(
    waits: Waits,
    lessons: Sequence[Lesson],
    *,
    on_lesson: Callable[[Waits], None],
    keep: Path | None = None,
    on_event: Callable[[JobEvent], None] = lambda event: None,
) -> Waits:
    """Run each lesson twice: alone, and as a class does that finds its models made beforehand.

    Both runs begin in a new folder. The second one may read the models that the first has made.

    Args:
        waits: What was measured before, on this machine.
        lessons: The lessons to measure.
        on_lesson: Called after each lesson with all that was measured so far.
        keep: A folder for the executed notebooks of the second run.
        on_event: Called for each step of a run.

    Returns:
        All that was measured.
    """
    for lesson in lessons:
        with tempfile.TemporaryDirectory(prefix="deployworkbook-waits-") as place:
            first = Workspace(Path(place) / "first").create()
            second = Workspace(Path(place) / "second").create()
            first.models.mkdir(exist_ok=True)
            cold = time_lessons([lesson], Path(place) / "cold", first.root, on_event=on_event)
            warm = time_lessons(
                [lesson],
                keep or Path(place) / "warm",
                second.root,
                environment={SHARED_VARIABLE: str(first.models)},
                on_event=on_event,
            )
        waits = waits.with_lesson(lesson.name, _waits_of(cold[0], warm[0]))
        on_lesson(waits)
    return waits


def _waits_of(cold: Timed, warm: Timed) -> dict[str, Wait]:
    return {
        title: Wait(
            warm_s=time.wait_s,
            cold_s=cold.sections[title].wait_s,
            warm_pace_s=time.pace_s,
            cold_pace_s=cold.sections[title].pace_s,
        )
        for title, time in warm.sections.items()
    }
