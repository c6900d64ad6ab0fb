"""Runs notebooks, each in a process of its own, several at once, under time limits.

A run that hangs, even inside papermill, is killed, with its kernel and whatever the notebook has
started. Ctrl-C and SIGTERM end all of them; so does the death of this process.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deployworkbook.execution.background import BackgroundError
from deployworkbook.execution.jobs import Job, JobEvent, Outcome, check_jobs
from deployworkbook.execution.outputs import make_room
from deployworkbook.execution.processes import kill_tree
from deployworkbook.validation import check_integer
from deployworkbook.workspace.folder import RUN_VARIABLE

# A worker ends itself at its time limit; this is for one that cannot.
GRACE_S = 15.0


def run_jobs(
    jobs: Sequence[Job],
    *,
    workers: int,
    environment: Mapping[str, str] | None = None,
    working_directory: Path | None = None,
    on_event: Callable[[JobEvent], None] = lambda event: None,
) -> list[Outcome]:
    """Run notebooks and tell how each ended; a failure of one does not stop the others.

    Args:
        jobs: What to run, begun in this order.
        workers: How many run at once.
        environment: Variables that the notebooks see besides those of this process.
        working_directory: Where they run; by default where this process does.
        on_event: Told, in this thread, of each step.

    Returns:
        An outcome for each job, in the order of the jobs. After Ctrl-C or SIGTERM those that had
        not ended are ``"stopped"``.

    Raises:
        TypeError: A parameter is not a value that JSON can carry.
        ValueError: A job would overwrite a notebook to run, or another's result.
    """
    check_integer("workers", workers, 1)
    check_jobs(jobs)
    waiting = deque(enumerate(jobs))
    outcomes: dict[int, Outcome] = {}
    running: dict[int, _Process] = {}
    news: queue.Queue[tuple[int, dict[str, Any] | None]] = queue.Queue()
    variables = dict(os.environ) | dict(environment or {})
    with _signals_as_interrupts():
        try:
            while waiting or running:
                while waiting and len(running) < workers:
                    index, job = waiting.popleft()
                    try:
                        running[index] = _Process.start(
                            job, variables, working_directory, lambda e, i=index: news.put((i, e))
                        )
                        on_event(JobEvent(job))
                    except OSError as error:
                        outcomes[index] = Outcome(job, "failed", 0.0, error=str(error))
                        on_event(JobEvent(job, outcome=outcomes[index]))
                _take_news(running, outcomes, news, on_event)
        except KeyboardInterrupt:
            for process in running.values():
                process.kill()
            for index, job in enumerate(jobs):
                if index in running:
                    outcomes[index] = running[index].outcome("stopped", "stopped by the user")
                elif index not in outcomes:
                    outcomes[index] = Outcome(job, "stopped", 0.0, error="stopped before it began")
                else:
                    continue
                on_event(JobEvent(job, outcome=outcomes[index]))
        finally:
            for process in running.values():
                process.kill()
    return [outcomes[index] for index in range(len(jobs))]


def _take_news(
    running: dict[int, _Process],
    outcomes: dict[int, Outcome],
    news: queue.Queue[tuple[int, dict[str, Any] | None]],
    on_event: Callable[[JobEvent], None],
) -> None:
    """Wait for an event of a worker, or for the time at which the first of them must have ended."""
    patience_s = min(
        (process.deadline - time.monotonic() for process in running.values()), default=0
    )
    # In slices: a signal cannot interrupt a wait without end on every system.
    try:
        index, event = news.get(timeout=min(max(patience_s, 0.01), 0.5))
    except queue.Empty:
        for index, process in list(running.items()):
            if time.monotonic() > process.deadline:
                process.kill()
                limit = process.job.timeout_s
                outcome = process.outcome(
                    "timed out", f"the notebook hung for more than {limit:g} s and was killed"
                )
                outcomes[index] = outcome
                del running[index]
                on_event(JobEvent(outcome.job, outcome=outcome))
        return
    process = running.get(index)
    if process is None:  # of one that was killed
        return
    if event is not None:
        process.news.update(event)
        if "status" not in event:
            on_event(JobEvent(process.job, event.get("cell", 0), event["cells"]))
        return
    process.kill()  # what the notebook has left running
    outcome = process.outcome("failed", f"its process ended unexpectedly; see {process.job.log}")
    outcomes[index] = outcome
    del running[index]
    on_event(JobEvent(outcome.job, outcome=outcome))


@dataclass
class _Process:
    """A worker that runs."""

    job: Job
    mark: str
    child: subprocess.Popen[str]
    started: float
    backup: Path | None
    news: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def start(
        cls,
        job: Job,
        variables: Mapping[str, str],
        working_directory: Path | None,
        tell: Callable[[dict[str, Any] | None], None],
    ) -> _Process:
        backup = make_room(job.output)
        mark = uuid.uuid4().hex
        with job.log.open("w") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "deployworkbook.execution.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=working_directory,
                env=dict(variables) | {RUN_VARIABLE: mark},
                start_new_session=True,  # a Ctrl-C in the terminal is the runner's to handle
            )
        process = cls(job, mark, child, time.monotonic(), backup)
        request = {
            "source": str(job.source.resolve()),
            "output": str(job.output.resolve()),
            "parameters": dict(job.parameters),
            "cell_timeout_s": job.cell_timeout_s,
            "timeout_s": job.timeout_s,
        }
        assert child.stdin is not None  # noqa: S101 (for the type checker: PIPE was asked for)
        with contextlib.suppress(BrokenPipeError):  # it died at once; its log says of what
            child.stdin.write(json.dumps(request) + "\n")
            child.stdin.flush()
        threading.Thread(target=process._read, args=(tell,), daemon=True).start()
        return process

    @property
    def deadline(self) -> float:
        """When to kill it, on the monotonic clock."""
        return self.started + self.job.timeout_s + GRACE_S

    def _read(self, tell: Callable[[dict[str, Any] | None], None]) -> None:
        assert self.child.stdout is not None  # noqa: S101 (as above)
        with contextlib.suppress(ValueError):  # closed, since it was killed
            for line in self.child.stdout:
                tell(json.loads(line))
        tell(None)

    def kill(self) -> None:
        """Kill the worker, its kernel and all that they have started; safe to repeat."""
        kill_tree(self.child.pid, self.mark)
        self.child.wait()
        for stream in (self.child.stdin, self.child.stdout):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()

    def outcome(self, status: Any, error: str) -> Outcome:
        """Say how the job ended: as its worker told, else as the arguments say."""
        told = self.news
        cells, cell = told.get("cells", 0), told.get("cell", 0)
        status = told.get("status", status)
        if status == "passed":
            self.job.log.unlink(missing_ok=True)
        failed_cell = told.get("failed_cell", cell or None)
        return Outcome(
            job=self.job,
            status=status,
            seconds=time.monotonic() - self.started,
            cells_run=cells if status == "passed" else max(0, cell - 1),
            cells=cells,
            failed_cell=None if status == "passed" else failed_cell,
            error=told.get("error", error),
            source_line=told.get("source_line", ""),
            traceback=told.get("traceback", ""),
            backup=self.backup,
            warnings=[BackgroundError(**each) for each in told.get("warnings", [])],
        )


@contextlib.contextmanager
def _signals_as_interrupts() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does; only a main thread may say so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
