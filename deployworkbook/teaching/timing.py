"""Run lessons headless, and measure how long a class waits for each section's cells."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deployworkbook.execution.jobs import Job, JobEvent
from deployworkbook.execution.runner import run_jobs
from deployworkbook.jupyter.lessons import Lesson
from deployworkbook.jupyter.sections import Cell, heading_of, sections_of, source_of
from deployworkbook.validation import value_error
from deployworkbook.workspace.folder import ENVIRONMENT_VARIABLE

# Marks cells that a run adds to a lesson: a class doesn't wait for them.
ADDED = "deployworkbook-added"
PACE = "from deployworkbook.teaching.pace import pace_s\n\nprint(pace_s())"

# A busy machine may take several times as long as an idle one.
CELL_LIMIT_S = 900.0
LESSON_LIMIT_S = 3600.0


@dataclass(frozen=True)
class SectionTime:
    """How long one section's cells took.

    Args:
        wait_s: All of them together, in seconds.
        pace_s: How long the work of ``pace`` took after them, in seconds.
    """

    wait_s: float
    pace_s: float


@dataclass(frozen=True)
class Timed:
    """A lesson that was run.

    Args:
        lesson: The lesson, as shipped.
        sections: The times of its sections, by title.
        executed: The notebook that was run.
    """

    lesson: Lesson
    sections: Mapping[str, SectionTime]
    executed: Path


Edit = Callable[[Lesson, list[Cell]], list[Cell]]


def time_lessons(
    lessons: Sequence[Lesson],
    folder: Path,
    home: Path,
    *,
    environment: Mapping[str, str] | None = None,
    edit: Edit = lambda lesson, cells: cells,
    on_event: Callable[[JobEvent], None] = lambda event: None,
) -> list[Timed]:
    """Run lessons one after the other, with their own parameters, and time their sections.

    Args:
        lessons: The lessons, in order.
        folder: A folder for the notebooks that are run; created if missing.
        home: The workspace that the lessons use. Models that it holds aren't trained again.
        environment: Further environment variables for the lessons.
        edit: Changes a lesson's cells before the run, such as a learner's answers.
        on_event: Called for each step, as by ``run_jobs``.

    Raises:
        ValueError: A lesson didn't run to its end.
        KeyboardInterrupt: The user has stopped the run.
    """
    jobs = [_job(lesson, folder, edit) for lesson in lessons]
    variables = {**(environment or {}), ENVIRONMENT_VARIABLE: str(home)}
    timed = []
    outcomes = run_jobs(jobs, workers=1, environment=variables, on_event=on_event)
    for lesson, outcome in zip(lessons, outcomes, strict=True):
        if outcome.status == "stopped":
            raise KeyboardInterrupt
        if outcome.status != "passed":
            raise value_error(
                lesson.name,
                received=f"a run that {outcome.status} in code cell {outcome.failed_cell}: "
                f"{outcome.error}",
                expected="a lesson that runs to its end",
                remedy=f"Run it alone: deployworkbook run {lesson.number}",
            )
        timed.append(times_of(lesson, outcome.job.output))
    return timed


def times_of(lesson: Lesson, executed: Path) -> Timed:
    """Read the sections' times from an executed notebook of ``time_lessons``.

    Args:
        lesson: The lesson, as shipped.
        executed: The notebook that was run.
    """
    times: dict[str, SectionTime] = {}
    for section in sections_of(replace(lesson, path=executed)):
        paces: list[float] = []
        wait_s = 0.0
        for cell in section.cells:
            if cell["cell_type"] != "code":
                continue
            if ADDED not in cell["metadata"].get("tags", []):
                wait_s += cell["metadata"].get("papermill", {}).get("duration") or 0.0
            elif source_of(cell) == PACE:
                paces.append(float(printed_by(cell)))
        times[section.title] = SectionTime(round(wait_s, 2), round(sum(paces) / len(paces), 4))
    return Timed(lesson, times, executed)


def added_cell(name: str, source: str) -> Cell:
    """Return a code cell that a run adds to a lesson.

    Args:
        name: An identifier within the notebook: letters, digits, ``-`` and ``_``.
        source: Its Python code.
    """
    return {
        "cell_type": "code",
        "id": name,
        "metadata": {"tags": [ADDED]},
        "execution_count": None,
        "outputs": [],
        "source": source,
    }


def _job(lesson: Lesson, folder: Path, edit: Edit) -> Job:
    notebook = json.loads(lesson.path.read_text(encoding="utf-8"))
    notebook["cells"] = _with_paces(edit(lesson, notebook["cells"]))
    source = folder / ".source" / lesson.path.name
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text(json.dumps(notebook, ensure_ascii=False), encoding="utf-8")
    return Job(source, folder / lesson.path.name, {}, CELL_LIMIT_S, LESSON_LIMIT_S)


def _with_paces(cells: Sequence[Cell]) -> list[Cell]:
    """Put a cell that measures the pace at each section's end."""
    found: list[Cell] = []
    count = 0
    for cell in cells:
        if heading_of(cell):
            if count:
                found.append(added_cell(f"pace-{count}", PACE))
            count += 1
        found.append(cell)
    return [*found, added_cell(f"pace-{count}", PACE)]


def printed_by(cell: Cell) -> str:
    """Return what a code cell printed, without spaces around it.

    Args:
        cell: The cell, as in an executed notebook.
    """
    outputs: list[dict[str, Any]] = cell["outputs"]
    return "".join(
        "".join(output["text"]) for output in outputs if output.get("name") == "stdout"
    ).strip()
