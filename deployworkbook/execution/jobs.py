"""What to run and how it ended: the values that pass between command, runner and report.

Cells are counted from 1 over the code cells of the notebook as it was given: text cells and the
cell that papermill injects with the parameters do not count. In a notebook without empty code
cells that is the number in ``[ ]`` after Run All.
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
        source: The notebook; it is only read.
        output: Where the executed notebook goes.
        parameters: Values by name for the cell tagged ``parameters``, as JSON can carry them.
        cell_timeout_s: How long one cell may take, in seconds; rounded up to whole ones.
        timeout_s: How long the whole notebook may take, in seconds.
    """

    source: Path
    output: Path
    parameters: Mapping[str, object]
    cell_timeout_s: float
    timeout_s: float

    @property
    def log(self) -> Path:
        """What the run wrote on the side; removed when it passed."""
        return self.output.with_suffix(".log")

    @property
    def cell_limit_s(self) -> int:
        """The cell's time limit as papermill takes it: whole seconds."""
        return math.ceil(self.cell_timeout_s)


@dataclass(frozen=True)
class Outcome:
    """How one job ended.

    Args:
        job: What was asked for.
        status: One word for it.
        seconds: From the start of its process to the end.
        cells_run: Code cells that ran to their end.
        cells: Code cells of the notebook; 0 if it could not be read.
        failed_cell: The cell in which it ended, if it did not pass and one had begun.
        error: What was wrong, in one line; empty if it passed.
        source_line: The line of that cell which raised, if it is known.
        traceback: More about the error, in several lines, without colours.
        backup: Where the file went that stood in the output's place and was no run's product.
        warnings: What failed in threads and tasks without ending the run.
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
    """A step that a display may show.

    Args:
        job: Whose step.
        cell: The code cell that has begun; 0 when only the process has.
        cells: Code cells of the notebook; 0 as long as they are not known.
        outcome: How the job ended; ``None`` before that.
    """

    job: Job
    cell: int = 0
    cells: int = 0
    outcome: Outcome | None = None


def check_jobs(jobs: Sequence[Job]) -> None:
    """Refuse jobs that would overwrite a notebook they read, or each other's results.

    Raises:
        TypeError: A parameter is not a value that JSON can carry.
        ValueError: Two jobs write to one file, a job writes to a source, or a time limit is not
            a positive number.
    """
    sources = {job.source.resolve() for job in jobs}
    outputs: dict[Path, Job] = {}
    for job in jobs:
        check_number("cell_timeout_s", job.cell_timeout_s, 0, open_low=True)
        check_number("timeout_s", job.timeout_s, 0, open_low=True)
        _check_parameters(job)
        output = job.output.resolve()
        if output in sources or (output.exists() and any(map(output.samefile, _existing(sources)))):
            raise value_error(
                "output",
                received=f"{job.output}, which is a notebook to run",
                expected="a file apart from the notebooks",
                remedy="Name another output folder.",
            )
        if output in outputs:
            raise value_error(
                "output",
                received=f"{job.output} for both {outputs[output].source} and {job.source}",
                expected="a file for each notebook",
                remedy="Run them into different folders, or rename one.",
            )
        outputs[output] = job


def _existing(paths: set[Path]) -> list[Path]:
    return [path for path in paths if path.exists()]


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
