"""A headless run from names to pages: what the command ``run`` does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from deployworkbook.execution.jobs import Job, Outcome
from deployworkbook.execution.page import Entry, write_index, write_page
from deployworkbook.execution.parameters import parameters_for, parse_value
from deployworkbook.execution.report import LiveTable, counted_warnings, print_summary, write_junit
from deployworkbook.execution.runner import run_jobs
from deployworkbook.lessons import Lesson, catalogue, find_lesson
from deployworkbook.validation import message
from deployworkbook.workspace import ENVIRONMENT_VARIABLE, Workspace, check_writable, full_path

# As a shell counts it: 128 and the number of the signal.
STOPPED = 130


def run_notebooks(
    names: Sequence[str],
    *,
    workspace: Workspace,
    out: Path,
    workers: int,
    parameters: Mapping[str, str],
    fast: bool,
    html: bool,
    junit: Path | None,
    cell_timeout_s: float,
    timeout_s: float,
) -> int:
    """Run notebooks and tell in the terminal how it went.

    Args:
        names: Lessons by number or name, as shipped, or paths of any notebooks; none means all
            lessons.
        workspace: Where the notebooks keep models and measurements.
        out: Where the executed notebooks and their pages go.
        workers: How many run at once.
        parameters: Values as text, by name.
        fast: Whether each notebook's small parameters are set.
        html: Whether pages are written.
        junit: Where to write a JUnit report.
        cell_timeout_s: How long one cell may take, in seconds.
        timeout_s: How long one notebook may take, in seconds.

    Returns:
        What the command exits with: 0 if all passed, 130 if it was stopped, else 1.

    Raises:
        ValueError: A name is no lesson and no file, or no notebook knows a parameter.
        OSError: The output folder or the report cannot be written.
    """
    if junit:
        check_writable(junit)
    out = full_path(out)
    check_writable(out / "index.html")
    sources = [_source(name) for name in names] or [lesson.path for lesson in catalogue()]
    values = {name: parse_value(text) for name, text in parameters.items()}
    chosen = parameters_for(sources, values, fast=fast)
    jobs = [
        Job(source, out / source.name, given, cell_timeout_s, timeout_s)
        for source, given in zip(sources, chosen, strict=True)
    ]
    console = Console()
    environment = {ENVIRONMENT_VARIABLE: str(workspace.root)}
    with LiveTable(jobs, console) as table:
        outcomes = run_jobs(jobs, workers=workers, environment=environment, on_event=table.update)
    print_summary(outcomes, console)
    if html:
        index = _write_pages(outcomes, out)
        console.print(f"Pages: {index}", markup=False, highlight=False, soft_wrap=True)
    if junit:
        write_junit(outcomes, full_path(junit))
    if any(outcome.status == "stopped" for outcome in outcomes):
        return STOPPED
    return 0 if all(outcome.status == "passed" for outcome in outcomes) else 1


def _source(name: str) -> Path:
    path = Path(name)
    if path.is_file():
        return path
    if path.suffix == ".ipynb" and path.parent != Path():
        expected = "an existing notebook"
        raise ValueError(
            message("notebook", received=f"{name}, which is no file", expected=expected)
        )
    return find_lesson(name).path


def _write_pages(outcomes: Sequence[Outcome], out: Path) -> Path:
    lessons = {lesson.path.name: lesson for lesson in catalogue()}
    entries = []
    for outcome in outcomes:
        output = outcome.job.output
        if not output.exists():  # nothing of it could be run
            continue
        page = output.with_suffix(".html")
        write_page(output, page, home="index.html")
        entries.append(_entry(outcome, page, lessons.get(output.name)))
    index = out / "index.html"
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
    write_index(entries, index, made=f"Run on {now} UTC.")
    return index


def _entry(outcome: Outcome, page: Path, lesson: Lesson | None) -> Entry:
    passed = outcome.status == "passed"
    state = f"{outcome.status}, {outcome.seconds:.0f} s{counted_warnings(outcome)}"
    if outcome.failed_cell:
        state += f", code cell {outcome.failed_cell}"
    return Entry(
        title=f"{lesson.number} {lesson.title}" if lesson else page.stem,
        href=page.name,
        question=lesson.question if lesson else "",
        state=state,
        passed=passed,
    )
