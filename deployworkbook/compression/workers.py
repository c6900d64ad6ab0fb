"""Run jobs on Dask workers: choose the next one, retry failures, and stop cleanly.

A job belongs to a group, whose first job builds what the others need as well. So one job of a group
runs first, and the others after it; different groups run in parallel.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import queue
import signal
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import dask
import psutil
from distributed import Client, Future, KilledWorker, LocalCluster

from deployworkbook.ledger.machine import this_machine
from deployworkbook.validation import check_integer

Status = Literal["running", "done", "failed again", "failed", "stopped"]

# Time for a scheduler to answer, and to find its first worker.
PATIENCE_S = 10.0

# Environment variables with which libraries limit their threads.
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)

GONE = "the Dask scheduler is gone"


@dataclass(frozen=True)
class TaskEvent:
    """A change in the status of a job.

    Args:
        index: Index of the job.
        status: ``"running"``; ``"done"``; ``"failed again"``, to be retried; ``"failed"`` for good;
            ``"stopped"`` by Ctrl-C.
        attempt: Number of the attempt, from 1; 0 if none was started.
        value: The job's return value.
        error: Why it failed, in one line.
    """

    index: int
    status: Status
    attempt: int
    value: Any = None
    error: str = ""


def carry_out(
    function: Callable[[Any], Any],
    jobs: Sequence[Any],
    *,
    groups: Sequence[Hashable],
    client: Client,
    retries: int,
    on_event: Callable[[TaskEvent], None],
) -> None:
    """Run jobs, as many at once as there are workers, and report each change of status.

    A job that raises an exception, or whose worker dies, is retried after the waiting jobs.

    Args:
        function: Function to call with a job, in a worker.
        jobs: The jobs, started in this order as far as the groups allow.
        groups: Group of each job.
        client: Dask client of the workers.
        retries: How often to retry a job.
        on_event: Called in this thread with each event. Ctrl-C stops all running and waiting jobs.
    """
    check_integer("retries", retries, 0)
    round_ = _Round(function, jobs, groups, client, retries, on_event)
    try:
        round_.run()
    except KeyboardInterrupt:
        round_.stop()


@dataclass
class _Round:
    """The waiting and the running jobs."""

    function: Callable[[Any], Any]
    jobs: Sequence[Any]
    groups: Sequence[Hashable]
    client: Client
    retries: int
    tell: Callable[[TaskEvent], None]
    attempts: Counter[int] = field(default_factory=Counter)
    running: dict[int, Future[Any]] = field(default_factory=dict)
    opened: set[Hashable] = field(default_factory=set)
    ended: queue.Queue[int] = field(default_factory=queue.Queue)

    def __post_init__(self) -> None:
        self.waiting = deque(range(len(self.jobs)))

    def run(self) -> None:
        while self.waiting or self.running:
            self._begin()
            # In slices, because workers may join meanwhile.
            with contextlib.suppress(queue.Empty):
                self._end(self.ended.get(timeout=0.5))

    def stop(self) -> None:
        """Keep finished jobs, and cancel the others."""
        for index, future in list(self.running.items()):
            if future.status in {"finished", "error"}:
                self._end(index)
        self.client.cancel(list(self.running.values()), force=True)
        for index in dict.fromkeys((*self.running, *self.waiting)):
            self.tell(TaskEvent(index, "stopped", self.attempts[index]))

    def _begin(self) -> None:
        try:
            workers = len(self.client.nthreads())
        except OSError:
            while self.waiting:
                index = self.waiting.popleft()
                self.tell(TaskEvent(index, "failed", self.attempts[index], error=GONE))
            return
        while len(self.running) < workers:
            busy = {self.groups[index] for index in self.running} - self.opened
            free = (one for one in self.waiting if self.groups[one] not in busy)
            index = next(free, -1)
            if index < 0:
                return
            # Not pure, so that Dask doesn't reuse another client's result or error.
            future = self.client.submit(self.function, self.jobs[index], pure=False)
            self.running[index] = future
            self.waiting.remove(index)
            self.attempts[index] += 1
            future.add_done_callback(lambda _, index=index: self.ended.put(index))
            self.tell(TaskEvent(index, "running", self.attempts[index]))

    def _end(self, index: int) -> None:
        """Report how a job ended, and only then forget it, because Ctrl-C may come in between."""
        future, attempt = self.running[index], self.attempts[index]
        if future.status == "finished":
            self.opened.add(self.groups[index])
            self.tell(TaskEvent(index, "done", attempt, value=future.result()))
        else:
            # Without its scheduler, a client keeps looking for a while: it may be restarted.
            reachable = self.client.status in {"running", "connecting"}
            again = attempt <= self.retries and reachable
            status: Status = "failed again" if again else "failed"
            self.tell(TaskEvent(index, status, attempt, error=_reason(future)))
            if again:
                self.waiting.append(index)
        del self.running[index]


@contextlib.contextmanager
def local_client(workers: int) -> Iterator[Client]:
    """Start worker processes with one thread each on this machine; kill them in the end.

    They listen on the loopback interface only. Their libraries divide the cores among them.

    Args:
        workers: Number of workers.
    """
    share = str(math.ceil(this_machine().cores / check_integer("workers", workers, 1)))
    # Libraries read these as they load, so set them before a process starts.
    environment = dict.fromkeys(THREADS, share)
    # Progress bars of several processes would overwrite each other.
    environment["TQDM_DISABLE"] = "1"
    setting = dask.config.set({"distributed.nanny.pre-spawn-environ": environment})
    with tempfile.TemporaryDirectory() as folder, _environment_restored():
        with setting, _interrupts_held_back():
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                host="127.0.0.1",
                local_directory=folder,
                silence_logs=logging.CRITICAL,
                # No limit, because a worker has nothing that could be moved to disk.
                memory_limit=0,
                # Report a dead worker at once; the caller retries.
                scheduler_kwargs={
                    "allowed_failures": 0,
                    "dashboard": False,
                    "dashboard_address": "127.0.0.1:0",
                },
            )
        try:
            with Client(cluster, set_as_default=False) as client:
                yield client
        finally:
            # Closing alone would first wait for the running jobs.
            for nanny in cluster.workers.values():
                nanny.auto_restart = False
                with contextlib.suppress(psutil.Error):
                    psutil.Process(nanny.pid).kill()
            cluster.close()


@contextlib.contextmanager
def remote_client(address: str) -> Iterator[Client]:
    """Connect to an existing Dask scheduler with workers.

    Args:
        address: Address such as ``tcp://127.0.0.1:8786``.

    Raises:
        ConnectionError: No scheduler answers there, or it has no workers.
    """
    try:
        client = Client(address, timeout=PATIENCE_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConnectionError(
            f"No Dask scheduler answers at {address}. Start one with `dask scheduler`, and workers "
            f"with `dask worker {address}`; or leave out the address, for workers on this machine."
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE_S)
        except TimeoutError as error:
            raise ConnectionError(
                f"The Dask scheduler at {address} has no workers. "
                f"Start some with `dask worker {address}`."
            ) from error
        yield client


def _reason(future: Future[Any]) -> str:
    if future.status != "error":
        return GONE
    error = future.exception()
    if isinstance(error, KilledWorker):
        return "its worker process died: killed, or out of memory"
    return f"{type(error).__name__}: {error}"


@contextlib.contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Start threads and processes that ignore Ctrl-C, which is for the caller."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _environment_restored() -> Iterator[None]:
    """Remove the environment variables that Dask sets in this process for its workers."""
    before = set(os.environ)
    try:
        yield
    finally:
        for name in set(os.environ) - before:
            del os.environ[name]
