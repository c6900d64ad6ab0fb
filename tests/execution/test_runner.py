"""Runs of notebooks: that they pass, fail, hang and end as they should."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import nbformat
import psutil
import pytest

from deployworkbook.execution import runner
from deployworkbook.execution.runner import run_jobs
from deployworkbook.workspace import RUN_VARIABLE

# A cell that writes its process into a file, starts a child that leaves its parent, and waits.
WAIT_WITH_CHILD = """
import os, pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"],
                         start_new_session=True)
part = pathlib.Path({place!r} + ".part")
part.write_text(f"{{os.getpid()}} {{child.pid}}")
part.rename({place!r})
time.sleep(600)
"""

# The command's part in another process, so that it can be interrupted and killed.
COMMAND = """
import json, sys
from pathlib import Path
from deployworkbook.execution.jobs import Job
from deployworkbook.execution.runner import run_jobs
sources = json.loads(sys.argv[1])
jobs = [Job(Path(s), Path(s).parent / "out" / Path(s).name, {}, 300, 300) for s in sources]
outcomes = run_jobs(jobs, workers=1)
print(json.dumps([[o.status, o.failed_cell, o.error] for o in outcomes]))
"""


def wait_for(condition, what, limit_s=60):
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {limit_s} s for {what}"
        time.sleep(0.02)


def alive(process_id):
    try:
        return psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def outputs_of(job):
    notebook = nbformat.read(job.output, as_version=4)
    return "".join(
        output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", [])
    )


def test_a_notebook_runs_with_its_parameters_in_this_interpreter(write_notebook, job_of):
    path = write_notebook("ok", "import sys", "print(sys.executable, a)")
    job = job_of(path, parameters={"a": 5})
    before = path.read_bytes()

    (outcome,) = run_jobs([job], workers=1)

    assert (outcome.status, outcome.cells, outcome.cells_run) == ("passed", 3, 3)
    assert (outcome.failed_cell, outcome.error) == (None, "")
    assert outputs_of(job) == f"{sys.executable} 5\n"
    assert not job.log.exists()
    assert path.read_bytes() == before


def test_a_failure_names_cell_error_and_line_and_the_others_still_run(write_notebook, job_of):
    bad = write_notebook("bad", "1 + 1", "def f():\n    raise ValueError('[no] such')\n\nf()")
    jobs = [job_of(bad), job_of(write_notebook("good", "print('well')"))]

    first, second = run_jobs(jobs, workers=2)

    assert (first.status, first.failed_cell) == ("failed", 3)
    assert first.error == "ValueError: [no] such"
    assert first.source_line == "f()"
    assert "raise ValueError" in first.traceback
    assert second.status == "passed"
    notebook = nbformat.read(first.job.output, as_version=4)
    assert "code cell 3" in notebook.cells[0].source
    assert first.job.log.exists()


def test_a_cell_that_hangs_is_ended(write_notebook, job_of):
    path = write_notebook("hang", "print('before')", "import time\ntime.sleep(600)")
    (outcome,) = run_jobs([job_of(path, cell_timeout_s=1)], workers=1)
    assert (outcome.status, outcome.failed_cell) == ("timed out", 3)
    assert "the cell ran for more than 1 s" in outcome.error
    assert "before" in outputs_of(outcome.job)


def test_a_notebook_that_takes_too_long_is_ended_with_what_it_has(write_notebook, job_of):
    path = write_notebook("slow", "print('before')", "import time\ntime.sleep(600)")
    (outcome,) = run_jobs([job_of(path, timeout_s=10)], workers=1)
    assert (outcome.status, outcome.failed_cell) == ("timed out", 3)
    assert "the notebook ran for more than 10 s" in outcome.error
    assert "before" in outputs_of(outcome.job)


def test_a_worker_that_hangs_itself_is_killed(write_notebook, job_of, monkeypatch):
    # The process is stopped whole, so that its own clock stands still too.
    path = write_notebook("stuck", "import os, signal\nos.kill(os.getppid(), signal.SIGSTOP)")
    monkeypatch.setattr(runner, "GRACE_S", 0.5)
    (outcome,) = run_jobs([job_of(path, timeout_s=8)], workers=1)
    assert outcome.status == "timed out"
    assert "hung for more than 8 s and was killed" in outcome.error


def test_a_kernel_that_dies_is_told(write_notebook, job_of):
    (outcome,) = run_jobs([job_of(write_notebook("die", "import os\nos._exit(3)"))], workers=1)
    assert (outcome.status, outcome.failed_cell) == ("failed", 2)
    assert "the kernel died" in outcome.error


def test_a_worker_that_dies_is_told(write_notebook, job_of):
    path = write_notebook("murder", "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)")
    (outcome,) = run_jobs([job_of(path)], workers=1)
    assert outcome.status == "failed"
    assert "ended unexpectedly" in outcome.error


@pytest.mark.parametrize("content", ["{", "{}", "[]", '{"cells": [1]}', '{"cells": []'])
def test_what_is_no_notebook_is_told(tmp_path, job_of, content):
    path = tmp_path / "corrupt.ipynb"
    path.write_text(content)
    (outcome,) = run_jobs([job_of(path)], workers=1)
    assert outcome.status == "failed"
    assert "is not a notebook" in outcome.error


def test_what_a_notebook_leaves_running_is_ended(write_notebook, job_of, tmp_path):
    place = tmp_path / "pids"
    source = WAIT_WITH_CHILD.format(place=str(place)).replace("time.sleep(600)\n", "pass\n")
    (outcome,) = run_jobs([job_of(write_notebook("leaves", source))], workers=1)
    assert outcome.status == "passed", outcome.error
    assert not any(map(alive, map(int, place.read_text().split())))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_end_of_the_command_is_the_end_of_all(write_notebook, tmp_path, number):
    place = tmp_path / "pids"
    first = write_notebook("first", WAIT_WITH_CHILD.format(place=str(place)))
    second = write_notebook("second", "1")
    command = subprocess.Popen(
        [sys.executable, "-c", COMMAND, json.dumps([str(first), str(second)])],
        stdout=subprocess.PIPE,
        text=True,
    )
    wait_for(place.exists, "the cell to run")
    processes = [int(text) for text in place.read_text().split()]
    worker = psutil.Process(command.pid).children()[0].pid

    command.send_signal(number)
    told, _ = command.communicate(timeout=60)

    wait_for(lambda: not any(map(alive, [*processes, worker])), "all processes to end")
    if number != signal.SIGKILL:
        assert json.loads(told) == [
            ["stopped", 2, "stopped by the user"],
            ["stopped", None, "stopped before it began"],
        ]


def test_steps_are_told_in_order(write_notebook, job_of):
    events = []
    job = job_of(write_notebook("steps", "1", "2"))
    run_jobs([job], workers=1, on_event=events.append)
    assert [(event.cell, event.cells) for event in events[:-1]] == [
        (0, 0),
        (0, 3),
        (1, 3),
        (2, 3),
        (3, 3),
    ]
    assert events[-1].outcome.status == "passed"


def test_no_more_run_at_once_than_asked_for(write_notebook, job_of):
    jobs = [job_of(write_notebook(f"n{i}", "1")) for i in range(3)]
    running, most = set(), []

    def count(event):
        (running.discard if event.outcome else running.add)(event.job.output)
        most.append(len(running))

    run_jobs(jobs, workers=2, on_event=count)
    assert max(most) == 2


def test_notebooks_see_the_variables_and_the_folder(write_notebook, job_of, tmp_path):
    job = job_of(write_notebook("env", "import os\nprint(os.environ['COLOUR'], os.getcwd())"))
    folder = tmp_path / "work"
    folder.mkdir()
    run_jobs([job], workers=1, environment={"COLOUR": "blue"}, working_directory=folder)
    assert outputs_of(job) == f"blue {folder}\n"
    assert RUN_VARIABLE not in os.environ


def test_a_file_that_is_no_result_is_kept(write_notebook, job_of):
    job = job_of(write_notebook("mine", "1"))
    job.output.parent.mkdir()
    job.output.write_text("the learner's own")
    (outcome,) = run_jobs([job], workers=1)
    assert outcome.backup.read_text() == "the learner's own"
    (again,) = run_jobs([job], workers=1)
    assert again.backup is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda job: replace(job, output=job.source), "is a notebook to run"),
        (lambda job: replace(job, cell_timeout_s=0), "cell_timeout_s"),
        (lambda job: replace(job, timeout_s=float("nan")), "timeout_s"),
    ],
)
def test_a_job_that_would_do_harm_is_refused(write_notebook, job_of, change, words):
    job = job_of(write_notebook("n", "1"))
    with pytest.raises(ValueError, match=words):
        run_jobs([change(job)], workers=1)
    assert not job.output.exists()


def test_two_jobs_into_one_file_are_refused(write_notebook, job_of, tmp_path):
    job = job_of(write_notebook("n", "1"))
    other = replace(job, source=write_notebook("m", "1"))
    with pytest.raises(ValueError, match="a file for each notebook"):
        run_jobs([job, other], workers=1)


def test_a_parameter_that_cannot_be_carried_is_refused(write_notebook, job_of):
    job = job_of(write_notebook("n", "1"), parameters={"a": Path()})
    with pytest.raises(TypeError, match="parameter a"):
        run_jobs([job], workers=1)
