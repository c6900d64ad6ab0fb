"""The ``run`` command: execute notebooks without a browser, in parallel processes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deployworkbook.commands.folder import Folder, workspace_of

if TYPE_CHECKING:
    from deployworkbook.execution.jobs import Outcome
    from deployworkbook.execution.page import IndexEntry
    from deployworkbook.jupyter.lessons import Lesson

# The shell's convention: 128 plus the number of SIGINT.
STOPPED = 130


def run(
    notebooks: Annotated[
        list[str] | None,
        typer.Argument(metavar="NOTEBOOK", help="Numbers, names or files (default: all)."),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the executed notebooks.")
    ] = Path("deployworkbook-run"),
    jobs: Annotated[int, typer.Option(min=1, help="Notebooks to run at once.")] = 2,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter", "-p", metavar="NAME VALUE", help="Parameter to set; repeatable."
        ),
    ] = None,
    fast: Annotated[
        bool, typer.Option("--fast", help="Use each notebook's own small parameters.")
    ] = False,
    html: Annotated[
        bool, typer.Option("--html", help="Also write HTML pages and an index to read offline.")
    ] = False,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a JUnit XML report.")
    ] = None,
    cell_timeout: Annotated[
        float, typer.Option(metavar="S", help="Time limit per cell, in seconds.")
    ] = 300,
    timeout: Annotated[
        float, typer.Option(metavar="S", help="Time limit per notebook, in seconds.")
    ] = 900,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as JSON; progress goes to stderr.")
    ] = False,
    folder: Folder = None,
) -> None:
    """Run lessons or other notebooks without a browser.

    Notebooks run in parallel processes. Exits with 1 if a notebook fails, and names the cell and
    the error.
    """
    from rich.console import Console

    from deployworkbook.commands.run_report import RunDisplay, print_summary, write_junit
    from deployworkbook.execution.jobs import Job
    from deployworkbook.execution.parameters import parameters_for, parse_value
    from deployworkbook.execution.runner import run_jobs
    from deployworkbook.jupyter.lessons import catalogue
    from deployworkbook.workspace.files import check_writable, full_path
    from deployworkbook.workspace.folder import ENVIRONMENT_VARIABLE

    # Check everything before the first notebook runs: a run takes minutes.
    if junit:
        check_writable(junit)
    out = full_path(out)
    check_writable(out / "index.html")
    sources = [_source(name) for name in notebooks or []] or [each.path for each in catalogue()]
    values = {name: parse_value(text) for name, text in map(_name_and_value, parameter or [])}
    jobs_to_do = [
        Job(source, out / source.name, given, cell_timeout, timeout)
        for source, given in zip(sources, parameters_for(sources, values, fast=fast), strict=True)
    ]
    console = Console(stderr=as_json)
    environment = {ENVIRONMENT_VARIABLE: str(workspace_of(folder).root)}
    with RunDisplay(jobs_to_do, console) as display:
        outcomes = run_jobs(
            jobs_to_do, workers=jobs, environment=environment, on_event=display.update
        )
    print_summary(outcomes, console)
    if html:
        index = _write_pages(outcomes, out)
        display.say(f"Pages: {index}")
    if junit:
        write_junit(outcomes, full_path(junit))
    if as_json:
        print(json.dumps([_as_json(outcome) for outcome in outcomes], indent=1))
    if any(outcome.status == "stopped" for outcome in outcomes):
        raise typer.Exit(STOPPED)
    raise typer.Exit(0 if all(outcome.status == "passed" for outcome in outcomes) else 1)


def _source(name: str) -> Path:
    from deployworkbook.jupyter.lessons import find_lesson
    from deployworkbook.validation import value_error

    path = Path(name)
    if path.is_file():
        return path
    if path.suffix == ".ipynb" and path.parent != Path():
        expected = "an existing notebook"
        raise value_error("notebook", received=f"{name}, which is not a file", expected=expected)
    return find_lesson(name).path


def _name_and_value(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name.isidentifier():
        raise ValueError(f"-p: expected NAME VALUE. Received: {text!r}.")
    return name, value


def _write_pages(outcomes: Sequence[Outcome], out: Path) -> Path:
    from deployworkbook.execution.page import write_index, write_page, write_terms_page
    from deployworkbook.jupyter.lessons import catalogue

    lessons = {lesson.path.name: lesson for lesson in catalogue()}
    entries = []
    for outcome in outcomes:
        output = outcome.job.output
        if not output.exists():  # it couldn't even start
            continue
        page = output.with_suffix(".html")
        write_page(output, page, home="index.html")
        entries.append(_entry(outcome, page, lessons.get(output.name)))
    write_terms_page(out, home="index.html")
    index = out / "index.html"
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
    write_index(entries, index, made=f"Run on {now} UTC.")
    return index


def _entry(outcome: Outcome, page: Path, lesson: Lesson | None) -> IndexEntry:
    from deployworkbook.commands.run_report import counted_warnings
    from deployworkbook.execution.page import IndexEntry

    passed = outcome.status == "passed"
    state = f"{outcome.status}, {outcome.seconds:.0f} s{counted_warnings(outcome)}"
    if outcome.failed_cell:
        state += f", code cell {outcome.failed_cell}"
    return IndexEntry(
        title=f"{lesson.number} {lesson.title}" if lesson else page.stem,
        href=page.name,
        question=lesson.question if lesson else "",
        state=state,
        passed=passed,
    )


def _as_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "notebook": outcome.job.source.stem,
        "status": outcome.status,
        "seconds": round(outcome.seconds, 3),
        "cells_run": outcome.cells_run,
        "cells": outcome.cells,
        "failed_cell": outcome.failed_cell,
        "error": outcome.error,
        "warnings": [str(warning) for warning in outcome.warnings],
        "output": str(outcome.job.output),
    }
