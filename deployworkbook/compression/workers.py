"""Dask workers that carry out jobs: which comes next, what is tried again, how all of it ends.

A job belongs to a group, whose first job makes what the others need as well. So one job of a group
is carried out alone, and the rest after it; groups go side by side.
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

# How long a scheduler may take to answer, and to find its first worker.
PATIENCE_S = 10.0

# Where libraries read how many threads they may use.
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
    """A step of a job.

    Args:
        index: The job's place in the list.
        status: ``"running"`` it begins; ``"done"``; ``"failed again"`` it will be tried once more;
            ``"failed"`` for good; ``"stopped"`` by Ctrl-C.
        attempt: Which it is, from 1; 0 if none was begun.
        value: What the job returned.
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
    """Carry out jobs, as many at once as there are workers; tell of each step.

    A job that raises, or whose worker dies, is tried again after those that wait.

    Args:
        function: Called with a job, in a worker.
        jobs: Its arguments, begun in this order as far as the groups allow.
        groups: The group of each job.
        client: Of the workers.
        retries: How often a job is tried again.
        on_event: Told, in this thread, of each step. Ctrl-C stops all jobs that run or wait.
    """
    check_integer("retries", retries, 0)
    round_ = _Round(function, jobs, groups, client, retries, on_event)
    try:
        round_.run()
    except KeyboardInterrupt:
        round_.stop()


@dataclass
class _Round:
    """The jobs that wait and those that run."""

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
            # In slices: workers may join meanwhile.
            with contextlib.suppress(queue.Empty):
                self._end(self.ended.get(timeout=0.5))

    def stop(self) -> None:
        """Keep what has ended, give up the rest."""
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
            # An impure function: what another client's job came to, or failed by, is not ours.
            future = self.client.submit(self.function, self.jobs[index], pure=False)
            self.running[index] = future
            self.waiting.remove(index)
            self.attempts[index] += 1
            future.add_done_callback(lambda _, index=index: self.ended.put(index))
            self.tell(TaskEvent(index, "running", self.attempts[index]))

    def _end(self, index: int) -> None:
        """Tell how a job ended, and only then forget it: Ctrl-C may come in between."""
        future, attempt = self.running[index], self.attempts[index]
        if future.status == "finished":
            self.opened.add(self.groups[index])
            self.tell(TaskEvent(index, "done", attempt, value=future.result()))
        else:
            # A client whose scheduler is gone looks for it for a while: it may be started again.
            reachable = self.client.status in {"running", "connecting"}
            again = attempt <= self.retries and reachable
            status: Status = "failed again" if again else "failed"
            self.tell(TaskEvent(index, status, attempt, error=_reason(future)))
            if again:
                self.waiting.append(index)
        del self.running[index]


@contextlib.contextmanager
def local_client(workers: int) -> Iterator[Client]:
    """Start worker processes on this machine, of one thread each; kill them in the end.

    They listen on the loopback interface only. TensorFlow and the rest share the cores out.

    Args:
        workers: How many.
    """
    share = str(math.ceil(this_machine().cores / check_integer("workers", workers, 1)))
    # Read as the libraries are loaded, so it must be there before a process begins.
    environment = dict.fromkeys(THREADS, share)
    # The bars of several processes would write over each other.
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
                # No limit: a worker holds nothing that could be written to disk instead.
                memory_limit=0,
                # A dead worker is told of at once: it is for the caller to try again.
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
            # Closing alone would first wait for workers in the middle of a job.
            for nanny in cluster.workers.values():
                nanny.auto_restart = False
                with contextlib.suppress(psutil.Error):
                    psutil.Process(nanny.pid).kill()
            cluster.close()


@contextlib.contextmanager
def remote_client(address: str) -> Iterator[Client]:
    """Connect to a Dask scheduler that exists, and has a worker.

    Args:
        address: Such as ``tcp://127.0.0.1:8786``.

    Raises:
        ConnectionError: None answers there, or it has no workers.
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
    """Let the threads and processes that begin here never see a Ctrl-C, which is the caller's."""
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
    """Undo what Dask sets for its workers in this process, before it starts them."""
    before = set(os.environ)
    try:
        yield
    finally:
        for name in set(os.environ) - before:
            del os.environ[name]
