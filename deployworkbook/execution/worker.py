"""The process that runs one notebook: ``python -m deployworkbook.execution.worker``.

The job arrives as JSON in the first line of standard input, which then stays open: its end means
that the runner is gone, so this process ends too, with its kernel and everything it has started.
Events go to standard output, one JSON object per line; output of papermill and the kernel goes to
standard error.
"""

from __future__ import annotations

import copy
import json
import os
import re
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

# This module first: it imports nbformat in less time than the libraries below would.
from deployworkbook.execution.outputs import is_counted, read_notebook, write_executed  # isort: skip
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from deployworkbook.execution import background
from deployworkbook.execution.engine import CellProgress, EarlyEnd, reporting_engine
from deployworkbook.execution.jobs import Job
from deployworkbook.execution.light_papermill import (
    PapermillExecutionError,
    execute_notebook,
    papermill_engines,
    strip_color,
)
from deployworkbook.execution.processes import adopt_orphans, kill_tree
from deployworkbook.jupyter.kernels import InterpreterKernelManager
from deployworkbook.workspace.folder import RUN_VARIABLE

ENGINE = "deployworkbook"

Emit = Callable[[dict[str, Any]], None]


class Run:
    """The run of one notebook: its job, progress and end.

    Args:
        job: The job to run.
        emit: Function called with each event.
    """

    def __init__(self, job: Job, emit: Emit) -> None:
        self.job = job
        self.emit = emit
        self.notebook: NotebookNode | None = None
        self.cell = 0
        self._progress: CellProgress | None = None
        self._ending = threading.Lock()
        self._scratch = tempfile.TemporaryDirectory(prefix="deployworkbook-run-")
        self._background = Path(self._scratch.name) / "background.jsonl"

    def execute(self) -> None:
        """Run the notebook and report how it ended, whatever happens."""
        papermill_engines.register(ENGINE, reporting_engine(self.begin, self.begin_cell))
        try:
            source = read_notebook(self.job.source)
            self.notebook = source
            os.environ[background.VARIABLE] = str(self._background)
            execute_notebook(
                source,
                None,
                dict(self.job.parameters),
                engine_name=ENGINE,
                kernel_name="python3",
                progress_bar=False,
                execution_timeout=self.job.cell_limit_s,
                kernel_manager_class=InterpreterKernelManager,
                extra_arguments=[f"--IPKernelApp.extra_extensions={background.__name__}"],
            )
            if self._progress is not None:
                self._progress.check_end()
        except PapermillExecutionError as error:
            text = strip_color("\n".join(error.traceback))
            lines = re.findall(r"^-+> *\d+ (.*)$", text, re.MULTILINE)
            if self._progress is not None:  # with raises-exception, later cells have run too
                self.cell = self._progress.number_of(error.cell_index)
            self.end(
                "failed",
                f"{error.ename}: {error.evalue}",
                source_line=lines[0].strip() if lines else "",
                traceback=text,
            )
        except CellTimeoutError:
            self.end("timed out", f"the cell ran for more than {self.job.cell_limit_s} s")
        except DeadKernelError:
            self.end(
                "failed", "the kernel died: it ran out of memory, or the notebook ended its process"
            )
        except EarlyEnd as error:
            self.end("failed", f"{error}. Raise an error to end a notebook that cannot go on.")
        except Exception as error:
            self.end("failed", f"{type(error).__name__}: {error}", traceback=traceback.format_exc())
        else:
            self.end("passed", "")

    def begin(self, notebook: NotebookNode, progress: CellProgress) -> None:
        """Store the notebook about to run, and report its number of cells."""
        self.notebook, self._progress = notebook, progress
        # papermill was given a notebook instead of a path, and would store it inside itself.
        notebook.metadata.papermill["input_path"] = str(self.job.source)
        self.emit({"cells": progress.total})

    def begin_cell(self, cell: NotebookNode) -> None:
        """Count and report a cell that papermill starts."""
        if is_counted(cell) and self._progress is not None:
            self.cell += 1
            self.emit({"cell": self.cell, "cells": self._progress.total})

    def time_out(self) -> None:
        """End a run that takes too long, from another thread; then end the process."""
        self.end("timed out", f"the notebook ran for more than {self.job.timeout_s:g} s")
        _end_process()

    def end(self, status: str, error: str, *, source_line: str = "", traceback: str = "") -> None:
        """Write the executed notebook and report how the run ended; later calls do nothing."""
        if not self._ending.acquire(blocking=False):
            return
        line = error.partition("\n")[0]
        failed_cell = self.cell if status != "passed" and self.cell else None
        warnings = background.read_errors(self._background)
        self._scratch.cleanup()
        if self.notebook is not None:
            write_executed(
                _snapshot(self.notebook),
                self.job.output,
                failed_cell=failed_cell,
                error=line,
                warnings=list(map(str, warnings)),
            )
        self.emit(
            {
                "status": status,
                "error": line,
                "failed_cell": failed_cell,
                "source_line": source_line,
                "traceback": traceback,
                "warnings": list(map(asdict, warnings)),
            }
        )


def _snapshot(notebook: NotebookNode) -> NotebookNode:
    """Copy a notebook to which another thread may be adding outputs."""
    while True:
        try:
            return copy.deepcopy(notebook)
        except RuntimeError:  # a dictionary changed its size during the copy
            continue


def _end_process() -> NoReturn:
    kill_tree(os.getpid(), os.environ.get(RUN_VARIABLE, ""))
    os._exit(1)


def _end_with(stream: Any) -> None:
    """Wait for the end of a stream, which means that the runner has ended; then end too."""
    while stream.read(1024):
        pass
    _end_process()


def main() -> None:
    """Run the job given on standard input."""
    # From here on, prints to standard output must not mix with the events.
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    stream = os.fdopen(os.dup(0), "rb", buffering=0)
    line = stream.readline()
    if not line.endswith(b"\n"):
        sys.exit("no job")
    request = json.loads(line)
    places = {name: Path(request[name]) for name in ("source", "output")}
    job = Job(**request | places)
    writing = threading.Lock()

    def emit(event: dict[str, Any]) -> None:
        with writing:
            print(json.dumps(event), file=events, flush=True)

    adopt_orphans()
    run = Run(job, emit)
    threading.Thread(target=_end_with, args=(stream,), daemon=True).start()
    clock = threading.Timer(job.timeout_s, run.time_out)
    clock.daemon = True
    clock.start()
    try:
        run.execute()
    finally:
        clock.cancel()
        # Orphans can be found only while this process lives, since they are its children.
        kill_tree(os.getpid(), os.environ.get(RUN_VARIABLE, ""))


if __name__ == "__main__":
    main()
