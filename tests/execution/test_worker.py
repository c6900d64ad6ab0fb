"""How a worker process ends a run; no kernel is started."""

import nbformat
import pytest

from deployworkbook.execution import worker
from deployworkbook.execution.outputs import read_notebook


def test_a_timed_out_run_keeps_its_outputs_and_names_the_cell(write_notebook, job_of, monkeypatch):
    monkeypatch.setattr(worker, "_end_process", lambda: None)
    events = []
    job = job_of(write_notebook("slow", "print('before')", "2"), timeout_s=10)
    run = worker.Run(job, events.append)
    run.notebook, run.cell = read_notebook(job.source), 3
    printed = nbformat.v4.new_output("stream", text="before")
    run.notebook.cells[2].outputs.append(printed)
    run.time_out()
    run.end("passed", "")  # too late
    (event,) = events
    assert (event["status"], event["failed_cell"]) == ("timed out", 3)
    assert "the notebook ran for more than 10 s" in event["error"]
    assert "before" in job.output.read_text()


@pytest.mark.parametrize("content", ["{", '{"cells": [1]}'])
def test_a_file_that_is_not_a_notebook_fails_the_run(no_notebook, job_of, content):
    events = []
    worker.Run(job_of(no_notebook("corrupt", content)), events.append).execute()
    assert events[-1]["status"] == "failed"
    assert "is not a notebook" in events[-1]["error"]
