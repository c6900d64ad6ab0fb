"""Jobs, events and outcomes: the values passed between command, runner and report.

Cells are numbered from 1 over the code cells of the original notebook; text cells and papermill's
injected parameters cell don't count. In a notebook without empty code cells, that is the number in
``[ ]`` after Run All.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deployworkbook.execution.background import BackgroundError
from deployworkbook.validation import check_number, describe, type_error, value_error

Status = Literal["passed", "failed", "timed out", "stopped"]


@dataclass(frozen=True)
class Job:
    """One notebook to run.

    Args:
        source: Path of the notebook, which is only read.
        output: Path of the executed notebook.
        parameters: Values by name for the cell tagged ``parameters``; must be JSON-serializable.
        cell_timeout_s: Time limit per cell, in seconds; rounded up to whole seconds.
        timeout_s: Time limit for the whole notebook, in seconds.
    """

    source: Path
    output: Path
    parameters: Mapping[str, object]
    cell_timeout_s: float
    timeout_s: float

    @property
    def log(self) -> Path:
        """The run's log file, removed if the run passes."""
        return self.output.with_suffix(".log")

    @property
    def cell_limit_s(self) -> int:
        """The time limit per cell in whole seconds, as papermill expects it."""
        return math.ceil(self.cell_timeout_s)


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    Args:
        job: The job.
        status: The result in a word.
        seconds: Time from the start of its process to the end, in seconds.
        cells_run: Number of code cells that completed.
        cells: Number of code cells in the notebook; 0 if it could not be read.
        failed_cell: Number of the cell in which the run ended, if it didn't pass and a cell had
            started.
        error: The error in one line; empty if it passed.
        source_line: The line of that cell that raised the error, if known.
        traceback: The traceback, without colours.
        backup: Where a file at the output path was moved that no run had written.
        warnings: Errors in threads and tasks that didn't end the run.
    """

    job: Job
    status: Status
    seconds: float
    cells_run: int = 0
    cells: int = 0
    failed_cell: int | None = None
    error: str = ""
    source_line: str = ""
    traceback: str = ""
    backup: Path | None = None
    warnings: Sequence[BackgroundError] = ()


@dataclass(frozen=True)
class JobEvent:
    """A step of a job, for a display.

    Args:
        job: The job.
        cell: Number of the code cell that has started; 0 before the first.
        cells: Number of code cells in the notebook; 0 until known.
        outcome: How the job ended; ``None`` until then.
    """

    job: Job
    cell: int = 0
    cells: int = 0
    outcome: Outcome | None = None


def check_jobs(jobs: Sequence[Job]) -> None:
    """Refuse jobs that would overwrite a source notebook or each other's output.

    Raises:
        TypeError: A parameter is not JSON-serializable.
        ValueError: Two jobs write to the same file, a job writes to a source, or a time limit is
            not positive.
    """
    sources = {job.source.resolve() for job in jobs}
    outputs: dict[Path, Job] = {}
    for job in jobs:
        check_number("cell_timeout_s", job.cell_timeout_s, 0, open_low=True)
        check_number("timeout_s", job.timeout_s, 0, open_low=True)
        _check_parameters(job)
        output = job.output.resolve()
        if any(output == each or _is_same_file(output, each) for each in sources):
            raise value_error(
                "output",
                received=f"{job.output}, which is a notebook to run",
                expected="a path other than those of the notebooks",
                remedy="Choose another output folder.",
            )
        if output in outputs:
            raise value_error(
                "output",
                received=f"{job.output} for both {outputs[output].source} and {job.source}",
                expected="a separate file for each notebook",
                remedy="Use different output folders, or rename one of them.",
            )
        outputs[output] = job


def _is_same_file(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


def _check_parameters(job: Job) -> None:
    for name, value in job.parameters.items():
        try:
            json.dumps(value)
        except (TypeError, ValueError) as error:
            raise type_error(
                f"parameter {name} of {job.source.name}",
                received=describe(value),
                expected="a number, text, true or false, none, or a list or dict of these",
            ) from error
