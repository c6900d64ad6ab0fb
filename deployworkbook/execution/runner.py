"""Run notebooks in parallel, one process per notebook, with time limits.

A run that hangs, even inside papermill, is killed together with its kernel and everything the
notebook has started. Ctrl-C, SIGTERM and the death of this process end all runs.
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
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from deployworkbook.execution.background import BackgroundError
from deployworkbook.execution.jobs import Job, JobEvent, Outcome, Status, check_jobs
from deployworkbook.execution.outputs import make_room
from deployworkbook.execution.processes import kill_tree
from deployworkbook.validation import check_integer
from deployworkbook.workspace.folder import RUN_VARIABLE

# A job's index and its worker's event, or ``None`` when the worker has ended.
News = tuple[int, dict[str, Any] | None]

# A worker ends itself at its time limit; one that can't is killed this much later.
GRACE_S = 15.0

# By these, TensorFlow and NumPy's libraries are told their number of threads.
THREADS = ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def run_jobs(
    jobs: Sequence[Job],
    *,
    workers: int,
    environment: Mapping[str, str] | None = None,
    on_event: Callable[[JobEvent], None] = lambda event: None,
) -> list[Outcome]:
    """Run notebooks and return how each ended; a failure does not stop the others.

    Args:
        jobs: The jobs, in the order to start them.
        workers: Number of notebooks to run at once.
        environment: Environment variables for the notebooks, added to those of this process.
        on_event: Function called in this thread for each step.

    Returns:
        One outcome per job, in the order of the jobs. After Ctrl-C or SIGTERM, jobs that had not
        ended are ``"stopped"``.

    Raises:
        TypeError: A parameter is not JSON-serializable.
        ValueError: A job would overwrite a source notebook or another job's output.
    """
    check_integer("workers", workers, 1)
    check_jobs(jobs)
    waiting = deque(enumerate(jobs))
    outcomes: dict[int, Outcome] = {}
    running: dict[int, _Process] = {}
    news: queue.Queue[News] = queue.Queue()
    variables = _threads(min(workers, len(jobs))) | dict(os.environ) | dict(environment or {})
    with _signals_as_interrupts():
        try:
            while waiting or running:
                while waiting and len(running) < workers:
                    index, job = waiting.popleft()
                    try:
                        running[index] = _Process.start(job, variables, index, news)
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
                    outcomes[index] = Outcome(
                        job, "stopped", 0.0, error="stopped before it started"
                    )
                else:
                    continue
                on_event(JobEvent(job, outcome=outcomes[index]))
        finally:
            for process in running.values():
                process.kill()
    return [outcomes[index] for index in range(len(jobs))]


def _threads(at_once: int) -> dict[str, str]:
    """Return the variables that share the cores among notebooks that run at once.

    Each library would start a thread per core, and threads that share a core with those of another
    notebook mostly wait for each other: training a small network then takes half as long again.
    """
    if at_once < 2:
        return {}
    share = max(1, (os.cpu_count() or 1) // at_once)
    return dict.fromkeys(THREADS, str(share))


def _take_news(
    running: dict[int, _Process],
    outcomes: dict[int, Outcome],
    news: queue.Queue[News],
    on_event: Callable[[JobEvent], None],
) -> None:
    """Handle the next event of a worker; kill workers that are past their deadlines."""
    patience_s = min(
        (process.deadline - time.monotonic() for process in running.values()), default=0
    )
    # Wait in slices: on some systems a signal can't interrupt an unlimited wait.
    ended: dict[int, tuple[Status, str]] = {}
    try:
        index, event = news.get(timeout=min(max(patience_s, 0.01), 0.5))
    except queue.Empty:
        for index, late in running.items():
            if time.monotonic() > late.deadline:
                limit = f"{late.job.timeout_s:g} s"
                error = f"the notebook hung for more than {limit} and was killed"
                ended[index] = "timed out", error
    else:
        process = running.get(index)
        if process is None:  # an event from a killed worker
            return
        if event is None:
            ended[index] = "failed", f"its process ended unexpectedly; see {process.job.log}"
        else:
            process.news.update(event)
            if "status" not in event:
                on_event(JobEvent(process.job, event.get("cell", 0), event["cells"]))
    for index, (status, error) in ended.items():
        process = running[index]
        process.kill()  # and with it whatever the notebook has left running
        outcomes[index] = process.outcome(status, error)
        del running[index]
        on_event(JobEvent(process.job, outcome=outcomes[index]))


@dataclass
class _Process:
    """A running worker."""

    job: Job
    mark: str
    child: subprocess.Popen[str]
    started: float
    backup: Path | None
    news: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def start(
        cls, job: Job, variables: Mapping[str, str], index: int, news: queue.Queue[News]
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
                env=dict(variables) | {RUN_VARIABLE: mark},
                start_new_session=True,  # only the runner should get a Ctrl-C in the terminal
            )
        process = cls(job, mark, child, time.monotonic(), backup)
        places = {"source": str(job.source.resolve()), "output": str(job.output.resolve())}
        request = asdict(job) | places
        assert child.stdin is not None  # noqa: S101 (for the type checker: PIPE was asked for)
        with contextlib.suppress(BrokenPipeError):  # it died at once; its log says why
            child.stdin.write(json.dumps(request) + "\n")
            child.stdin.flush()
        threading.Thread(target=process._read, args=(index, news), daemon=True).start()
        return process

    @property
    def deadline(self) -> float:
        """Time on the monotonic clock at which to kill it."""
        return self.started + self.job.timeout_s + GRACE_S

    def _read(self, index: int, news: queue.Queue[News]) -> None:
        assert self.child.stdout is not None  # noqa: S101 (as above)
        with contextlib.suppress(ValueError):  # the stream was closed by a kill
            for line in self.child.stdout:
                news.put((index, json.loads(line)))
        news.put((index, None))

    def kill(self) -> None:
        """Kill the worker, its kernel and everything they have started; safe to repeat."""
        kill_tree(self.child.pid, self.mark)
        self.child.wait()
        for stream in (self.child.stdin, self.child.stdout):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()

    def outcome(self, status: Status, error: str) -> Outcome:
        """Return how the job ended: as reported by its worker, else as the arguments say."""
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
    """Make SIGTERM end the block like Ctrl-C; has no effect outside the main thread."""
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
