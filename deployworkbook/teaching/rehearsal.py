"""Play a workshop without learners: its cells in order, simulated answers, and the clock.

What a section may take is its planned wait and half as much again. Two things are allowed for:
``NOTICED_S`` more, which no class notices, and a machine that is slower at the moment than the one
of the plan. How much slower it is, a fixed piece of work says, which runs between the sections in
the same kernel; it is the section's own figure or the usual one of the run, whichever is slower.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from deployworkbook.execution.jobs import JobEvent
from deployworkbook.execution.outputs import read_notebook
from deployworkbook.jupyter.lessons import Lesson
from deployworkbook.jupyter.sections import Cell, heading_of
from deployworkbook.teaching.planning import NOTICED_S, Plan
from deployworkbook.teaching.simulated import Answer, answer_all
from deployworkbook.teaching.timing import Timed, printed_by, time_lessons
from deployworkbook.workspace.folder import SHARED_VARIABLE, Workspace

LONGER_RATIO = 1.5


@dataclass(frozen=True)
class PlayedSection:
    """A section that was played.

    Args:
        lesson: Number of its lesson.
        title: Its title.
        planned_s: The planned wait, in seconds.
        measured_s: The wait that was measured, in seconds.
        allowed_s: The longest wait that passes, in seconds.
        slower_ratio: How much slower the machine was than the plan's.
    """

    lesson: str
    title: str
    planned_s: float
    measured_s: float
    allowed_s: float
    slower_ratio: float

    @property
    def is_in_time(self) -> bool:
        """Whether it passes."""
        return self.measured_s <= self.allowed_s


@dataclass(frozen=True)
class PlayedAnswer:
    """An answer that was played.

    Args:
        answer: The answer, and what should be said about it.
        said: What was said.
    """

    answer: Answer
    said: str

    @property
    def is_as_planned(self) -> bool:
        """Whether that is what should be said."""
        expected = " ".join(self.answer.expected.split())
        said = " ".join(self.said.split())
        return said.startswith(expected) if expected else said == ""


@dataclass(frozen=True)
class Rehearsal:
    """A workshop that was played.

    Args:
        sections: Its sections, in order.
        answers: The answers, in order.
        trained_models: Models that the class would have trained, instead of finding them.
    """

    sections: tuple[PlayedSection, ...]
    answers: tuple[PlayedAnswer, ...]
    trained_models: tuple[str, ...]

    @property
    def passes(self) -> bool:
        """Whether every wait is in time and every verdict as planned."""
        is_in_time = all(section.is_in_time for section in self.sections)
        return is_in_time and all(answer.is_as_planned for answer in self.answers)


def rehearse(
    plan: Plan,
    workspace: Workspace,
    *,
    on_event: Callable[[JobEvent], None] = lambda event: None,
) -> Rehearsal:
    """Play a workshop: the cells of its sections, with simulated answers.

    The learner's folder is a new one, so that no progress and no measurement of the workspace
    changes. Models are read from the workspace, or from the folder of shared models.

    Args:
        plan: The workshop.
        workspace: The workspace whose models are there already.
        on_event: Called for each step of a run.

    Raises:
        ValueError: A lesson didn't run to its end.
    """
    answers: dict[str, list[Answer]] = {}

    def play(lesson: Lesson, cells: list[Cell]) -> list[Cell]:
        played, answers[lesson.name] = answer_all(_of_plan(plan, lesson, cells))
        return played

    with tempfile.TemporaryDirectory(prefix="deployworkbook-rehearsal-") as place:
        home = Workspace(Path(place) / "home").create()
        shared = os.environ.get(SHARED_VARIABLE) or str(workspace.models)
        is_there = Path(shared).is_dir()
        timed = time_lessons(
            plan.lessons,
            Path(place) / "run",
            home.root,
            environment={SHARED_VARIABLE: shared} if is_there else {},
            edit=play,
            on_event=on_event,
        )
        played = [each for run in timed for each in _said(run, answers[run.lesson.name])]
        made = [path for path in home.models.glob("*") if path.is_dir() and path != home.artifacts]
        trained = sorted(path.name for path in made)
    return Rehearsal(tuple(_compared(plan, timed)), tuple(played), tuple(trained))


def _of_plan(plan: Plan, lesson: Lesson, cells: Sequence[Cell]) -> list[Cell]:
    """Return the cells that the plan runs: what stands before the first section, and its steps."""
    titles = {step.section.title for step in plan.steps if step.section.lesson == lesson}
    kept: list[Cell] = []
    is_in = True
    for cell in cells:
        heading = heading_of(cell)
        is_in = heading in titles if heading else is_in
        if is_in:
            kept.append(cell)
    return kept


def _said(run: Timed, answers: Sequence[Answer]) -> list[PlayedAnswer]:
    cells = {cell.id: cell for cell in read_notebook(run.executed).cells}
    return [PlayedAnswer(answer, printed_by(cells[answer.cell])) for answer in answers]


def _compared(plan: Plan, timed: Sequence[Timed]) -> list[PlayedSection]:
    """Compare each step's wait with the plan's."""
    times = {(run.lesson, title): time for run in timed for title, time in run.sections.items()}
    usual_s = median(time.pace_s for time in times.values())
    played = []
    for step in plan.steps:
        section = step.section
        time = times[section.lesson, section.title]
        slower = max(1.0, max(time.pace_s, usual_s) / plan.waits.quiet_pace_s)
        played.append(
            PlayedSection(
                lesson=section.lesson.number,
                title=section.title,
                planned_s=round(step.wait_s, 2),
                measured_s=time.wait_s,
                allowed_s=round(LONGER_RATIO * step.wait_s * slower + NOTICED_S, 2),
                slower_ratio=round(slower, 2),
            )
        )
    return played
