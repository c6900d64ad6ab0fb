"""What a run reports: a live table, a summary, and a JUnit file for a CI server."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deployworkbook.commands.live import LiveDisplay, print_plain
from deployworkbook.execution.jobs import Job, JobEvent, Outcome
from deployworkbook.workspace.files import atomic_path

COLOURS = {"passed": "green", "failed": "red", "timed out": "red", "stopped": "yellow"}


class RunDisplay(LiveDisplay):
    """A live table with one row per notebook.

    If the output is not a terminal, it prints a line as each notebook ends instead.

    Args:
        jobs: The jobs about to run.
        console: The console to draw on.
        says_ends: Whether to print that line; not if the caller prints a line of its own.
    """

    def __init__(self, jobs: Sequence[Job], console: Console, *, says_ends: bool = True) -> None:
        self._says_ends = says_ends
        self._rows: dict[Path, JobEvent | None] = {job.output: None for job in jobs}
        self._names = {job.output: job.source.stem for job in jobs}
        self._started: dict[Path, float] = {}
        super().__init__(console)  # last: it may draw at once

    def __enter__(self) -> Self:
        self.start()
        return self

    def update(self, event: JobEvent) -> None:
        """Record an event of a run."""
        place = event.job.output
        self._started.setdefault(place, time.monotonic())
        self._rows[place] = event
        if event.outcome and self._says_ends and not self.console.is_terminal:
            self.say(f"{event.job.source.stem}: {_in_words(event.outcome)}")

    def render(self) -> Table:
        """Return a table with one row per notebook."""
        table = Table("notebook", "state", "cell", "seconds", box=None, padding=(0, 2, 0, 0))
        for place, event in self._rows.items():
            name = escape(self._names[place])
            if event is None:
                table.add_row(name, "[dim]waiting[/]", "", "")
            elif event.outcome:
                outcome = event.outcome
                state = f"[{COLOURS[outcome.status]}]{outcome.status}[/]"
                cells = f"{outcome.cells_run}/{outcome.cells}" if outcome.cells else ""
                table.add_row(name, state, cells, f"{outcome.seconds:.1f}")
            else:
                seconds = time.monotonic() - self._started[place]
                cells = f"{event.cell}/{event.cells}" if event.cells else ""
                table.add_row(name, "running", cells, f"{seconds:.0f}")
        return table


def print_summary(outcomes: Sequence[Outcome], console: Console) -> None:
    """Print how many notebooks passed; for each other one, its cell, error and files."""
    for outcome in outcomes:
        if outcome.backup:
            name = outcome.job.output.name
            saved = f"{name} was not written by a run; it is saved as {outcome.backup}."
            print_plain(console, saved)
        if outcome.status == "passed" and not outcome.warnings:
            continue
        console.print(
            f"\n{outcome.job.source.stem}: {_in_words(outcome)}", style="bold", markup=False
        )
        for warning in outcome.warnings:
            print_plain(console, f"  warning: {warning} in the background")
        if outcome.source_line:
            console.print(f"  {outcome.source_line}", markup=False, highlight=False)
        for name, path in (("notebook", outcome.job.output), ("log", outcome.job.log)):
            if path.exists():
                print_plain(console, f"  {name}: {path}")
    passed = sum(outcome.status == "passed" for outcome in outcomes)
    others = len(outcomes) - passed
    text = f"{passed} of {len(outcomes)} passed" + (f", {others} did not." if others else ".")
    console.print(text, markup=False, highlight=False)


def write_junit(outcomes: Sequence[Outcome], path: Path) -> None:
    """Write a JUnit report with one test case per notebook."""
    suite = TestSuite("deployworkbook")
    for outcome in outcomes:
        case = TestCase(outcome.job.source.stem, "notebooks", outcome.seconds)
        if outcome.status == "failed":
            case.result = [Failure(_in_words(outcome), "failed")]
        elif outcome.status == "timed out":
            case.result = [Error(_in_words(outcome), "timed out")]
        elif outcome.status == "stopped":
            case.result = [Skipped(_in_words(outcome))]
        if case.result and outcome.traceback:
            case.result[0].text = outcome.traceback
        if outcome.warnings:
            case.system_err = "\n".join(each.traceback for each in outcome.warnings)
        suite.add_testcase(case)
    report = JUnitXml()
    report.add_testsuite(suite)
    with atomic_path(path) as temporary:
        report.write(str(temporary))


def counted_warnings(outcome: Outcome) -> str:
    """Return the number of warnings as a suffix such as ", 2 warnings"; empty if none."""
    count = len(outcome.warnings)
    return f", {count} warning{'s' if count != 1 else ''}" if count else ""


def _in_words(outcome: Outcome) -> str:
    if outcome.status == "passed":
        return (
            f"passed, {outcome.cells} cells in {outcome.seconds:.1f} s{counted_warnings(outcome)}"
        )
    where = f" in code cell {outcome.failed_cell}" if outcome.failed_cell else ""
    return f"{outcome.status}{where}: {outcome.error}"
