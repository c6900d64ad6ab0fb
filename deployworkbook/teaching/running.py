"""A learner's notebook, run without a browser up to a section."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from deployworkbook.execution.jobs import Job, Outcome
from deployworkbook.execution.parameters import parameters_for
from deployworkbook.execution.runner import run_jobs
from deployworkbook.jupyter.sections import Section, heading_of
from deployworkbook.teaching.catching_up import read_learners
from deployworkbook.validation import value_error
from deployworkbook.workspace.folder import ENVIRONMENT_VARIABLE, Workspace

CELL_LIMIT_S = 600.0
LIMIT_S = 1800.0


def run_up_to(workspace: Workspace, path: Path, section: Section, *, fast: bool = False) -> Outcome:
    """Run a learner's cells before a section in a kernel of their own.

    Args:
        workspace: The learner's folder, whose models and ledger the cells use.
        path: The learner's copy of the lesson; it is only read.
        section: The section of the lesson.
        fast: Whether to use the notebook's own small parameters.

    Returns:
        How the run ended.

    Raises:
        ValueError: The notebook has no such section any more.
    """
    notebook = read_learners(path, section.lesson)
    end = _start_of(notebook["cells"], section)
    with TemporaryDirectory(prefix="deployworkbook-catchup-") as folder:
        source = Path(folder) / path.name
        source.write_text(json.dumps(notebook | {"cells": notebook["cells"][:end]}))
        (given,) = parameters_for([source], {}, fast=fast)
        job = Job(source, Path(folder) / "run" / path.name, given, CELL_LIMIT_S, LIMIT_S)
        job.output.parent.mkdir()
        environment = {ENVIRONMENT_VARIABLE: str(workspace.root)}
        (outcome,) = run_jobs([job], workers=1, environment=environment)
    return outcome


def _start_of(cells: Sequence[dict[str, Any]], section: Section) -> int:
    """Return the index of a section's first cell, by its id or else by its heading."""
    texts = [cell for cell in enumerate(cells) if cell[1]["cell_type"] == "markdown"]
    by_id = [index for index, cell in texts if cell.get("id") == section.cells[0]["id"]]
    by_title = [index for index, cell in texts if heading_of(cell) == section.title]
    if by_id or by_title:
        return (by_id or by_title)[0]
    received = "a notebook without this heading"
    remedy = "Put the heading back, or run the cells in JupyterLab."
    raise value_error("section", received=received, expected=section.title, remedy=remedy)
