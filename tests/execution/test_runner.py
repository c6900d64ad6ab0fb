"""Runs of notebooks that pass, fail, hang or are stopped."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nbformat
import psutil
import pytest

from deployworkbook.execution import runner
from deployworkbook.execution.runner import run_jobs
from deployworkbook.workspace.folder import RUN_VARIABLE
from tests.waiting import WATCHDOG_S, wait_until

# A cell that writes its process id to a file, starts a detached child, and waits.
WAIT_WITH_CHILD = """
import os, pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"],
                         start_new_session=True)
part = pathlib.Path({place!r} + ".part")
part.write_text(f"{{os.getpid()}} {{child.pid}}")
part.rename({place!r})
time.sleep(600)
"""

# A cell that starts a process with no shared environment, session or parent.
DETACHED = """
inner = (
    "import pathlib, subprocess, sys; "
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], env={{}}, "
    "start_new_session=True); pathlib.Path({place!r}).write_text(str(child.pid))"
)
subprocess.run([sys.executable, "-c", inner], env={{}}, start_new_session=True, check=True)
"""

# A cell whose threads and tasks fail; the error of one task is retrieved.
BACKGROUND = """
import asyncio, threading

def in_thread():
    raise ValueError("in a thread")

async def fail(text):
    raise KeyError(text)

thread = threading.Thread(target=in_thread)
thread.start()
thread.join()
kept = asyncio.create_task(fail("in a task that is kept"))
asyncio.create_task(fail("in a task"))
try:
    await asyncio.create_task(fail("asked for"))
except KeyError:
    pass
"""

# Run jobs in another process that can be interrupted and killed.
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


def test_a_notebook_runs_with_its_parameters_in_this_interpreter(
    write_notebook, job_of, tmp_path, monkeypatch
):
    cells = ["import os, sys", "print(sys.executable, a, os.environ['COLOUR'], os.getcwd())"]
    path = write_notebook("ok", *cells)
    job = job_of(path, parameters={"a": 5})
    before = path.read_bytes()
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    events = []

    (outcome,) = run_jobs([job], workers=1, environment={"COLOUR": "blue"}, on_event=events.append)

    assert (outcome.status, outcome.cells, outcome.cells_run) == ("passed", 3, 3)
    assert (outcome.failed_cell, outcome.error, list(outcome.warnings)) == (None, "", [])
    assert outputs_of(job) == f"{sys.executable} 5 blue {folder}\n"
    assert not job.log.exists()
    assert path.read_bytes() == before
    assert RUN_VARIABLE not in os.environ
    steps = [(event.cell, event.cells) for event in events[:-1]]
    assert steps == [(0, 0), (0, 3), (1, 3), (2, 3), (3, 3)]
    assert events[-1].outcome == outcome


def test_a_failure_names_cell_error_and_line_and_other_notebooks_still_run(write_notebook, job_of):
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


def test_a_hanging_cell_times_out(write_notebook, job_of):
    path = write_notebook("hang", "print('before')", "import time\ntime.sleep(600)")
    (outcome,) = run_jobs([job_of(path, cell_timeout_s=1)], workers=1)
    assert (outcome.status, outcome.failed_cell) == ("timed out", 3)
    assert "the cell ran for more than 1 s" in outcome.error
    assert "before" in outputs_of(outcome.job)


def test_a_slow_notebook_times_out(write_notebook, job_of, monkeypatch):
    # Long enough for the worker's own timer to fire first, however slowly it starts.
    monkeypatch.setattr(runner, "GRACE_S", 300)
    path = write_notebook("slow", "import time\ntime.sleep(600)")
    (outcome,) = run_jobs([job_of(path, timeout_s=0.5)], workers=1)
    assert outcome.status == "timed out"
    assert "the notebook ran for more than 0.5 s" in outcome.error


def test_a_hanging_worker_is_killed(write_notebook, job_of, monkeypatch):
    # SIGSTOP halts the whole process, including its timer.
    path = write_notebook("stuck", "import os, signal\nos.kill(os.getppid(), signal.SIGSTOP)")
    monkeypatch.setattr(runner, "GRACE_S", 0.5)
    (outcome,) = run_jobs([job_of(path, timeout_s=4)], workers=1)
    assert outcome.status == "timed out"
    assert "hung for more than 4 s and was killed" in outcome.error


def test_a_dead_kernel_is_reported(write_notebook, job_of):
    (outcome,) = run_jobs([job_of(write_notebook("die", "import os\nos._exit(3)"))], workers=1)
    assert (outcome.status, outcome.failed_cell) == ("failed", 2)
    assert "the kernel died" in outcome.error


def test_a_dead_worker_is_reported(write_notebook, job_of):
    path = write_notebook("murder", "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)")
    (outcome,) = run_jobs([job_of(path)], workers=1)
    assert outcome.status == "failed"
    assert "ended unexpectedly" in outcome.error


def test_background_errors_are_reported_and_processes_terminated(write_notebook, job_of, tmp_path):
    place = tmp_path / "pids"
    source = WAIT_WITH_CHILD.format(place=str(place)).replace("time.sleep(600)\n", "pass\n")
    detached = DETACHED if sys.platform.startswith("linux") else ""
    cells = [source, detached.format(place=str(tmp_path / "detached")), BACKGROUND]

    (outcome,) = run_jobs([job_of(write_notebook("leaves", *cells))], workers=1)

    assert outcome.status == "passed", outcome.error
    assert not any(map(alive, map(int, place.read_text().split())))
    if detached:
        assert not alive(int((tmp_path / "detached").read_text()))
    told = {each.error: each.where for each in outcome.warnings}
    assert told["ValueError: in a thread"].startswith("thread ")
    assert {"KeyError: 'in a task that is kept'", "KeyError: 'in a task'"} < set(told)
    assert not any("asked for" in error for error in told)
    head = nbformat.read(outcome.job.output, as_version=4).cells[0].source
    assert "ValueError: in a thread" in head


@pytest.mark.parametrize("ending", ["import sys\nsys.exit(0)", "quit()"])
def test_a_notebook_that_exits_early_fails(write_notebook, job_of, ending):
    (outcome,) = run_jobs([job_of(write_notebook("early", ending, "1 / 0"))], workers=1)
    assert (outcome.status, outcome.failed_cell, outcome.cells_run) == ("failed", 2, 1)
    assert "code cell 2 ended the notebook, and 1 code cell never ran" in outcome.error


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_stopping_the_command_ends_all_processes(write_notebook, tmp_path, number):
    place = tmp_path / "pids"
    first = write_notebook("first", WAIT_WITH_CHILD.format(place=str(place)))
    second = write_notebook("second", "1")
    command = subprocess.Popen(
        [sys.executable, "-c", COMMAND, json.dumps([str(first), str(second)])],
        stdout=subprocess.PIPE,
        text=True,
    )
    family = [command.pid]
    try:
        wait_until(place.exists, "the cell to run")
        family += [int(text) for text in place.read_text().split()]
        family += [psutil.Process(command.pid).children()[0].pid]

        command.send_signal(number)
        told, _ = command.communicate(timeout=WATCHDOG_S)

        wait_until(lambda: not any(map(alive, family)), "all processes to end")
    finally:
        for pid in filter(alive, family):  # a failure here fails no other test
            os.kill(pid, signal.SIGKILL)
    if number != signal.SIGKILL:
        assert json.loads(told) == [
            ["stopped", 2, "stopped by the user"],
            ["stopped", None, "stopped before it started"],
        ]


def test_at_most_the_requested_number_run_at_once(no_notebook, job_of):
    jobs = [job_of(no_notebook(f"n{i}")) for i in range(3)]
    running, most = set(), []

    def count(event):
        (running.discard if event.outcome else running.add)(event.job.output)
        most.append(len(running))

    outcomes = run_jobs(jobs, workers=2, on_event=count)
    assert max(most) == 2
    assert all("is not a notebook" in outcome.error for outcome in outcomes)


def test_a_file_that_no_run_wrote_is_kept(no_notebook, job_of):
    job = job_of(no_notebook("mine"))
    job.output.parent.mkdir()
    job.output.write_text("the learner's own")
    (outcome,) = run_jobs([job], workers=1)
    assert outcome.backup.read_text() == "the learner's own"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda job: replace(job, output=job.source), "is a notebook to run"),
        (lambda job: replace(job, cell_timeout_s=0), "cell_timeout_s"),
        (lambda job: replace(job, timeout_s=float("nan")), "timeout_s"),
    ],
)
def test_a_harmful_job_is_refused(write_notebook, job_of, change, words):
    job = job_of(write_notebook("n", "1"))
    with pytest.raises(ValueError, match=words):
        run_jobs([change(job)], workers=1)
    assert not job.output.exists()


def test_two_jobs_into_one_file_are_refused(write_notebook, job_of, tmp_path):
    job = job_of(write_notebook("n", "1"))
    other = replace(job, source=write_notebook("m", "1"))
    with pytest.raises(ValueError, match="separate file for each notebook"):
        run_jobs([job, other], workers=1)


def test_a_parameter_that_is_not_json_is_refused(write_notebook, job_of):
    job = job_of(write_notebook("n", "1"), parameters={"a": Path()})
    with pytest.raises(TypeError, match="parameter a"):
        run_jobs([job], workers=1)


def test_notebooks_that_run_at_once_share_the_cores(monkeypatch):
    monkeypatch.setattr(runner.os, "cpu_count", lambda: 8)
    assert runner._threads(3) == dict.fromkeys(runner.THREADS, "2")
    assert runner._threads(20) == dict.fromkeys(runner.THREADS, "1")
    assert runner._threads(1) == {}
