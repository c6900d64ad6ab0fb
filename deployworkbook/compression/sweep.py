"""Sweeps: run the pipeline at each point of a grid of bits, sparsity and temperature, in parallel.

Each result goes into the ledger at once, under a hash of everything that determines it; a point
that is already there is not computed again. Points that differ only in their bits share the pruned
model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Literal

from distributed import Client

from deployworkbook.compression.grid import SweepPoint, SweepResult
from deployworkbook.compression.sweep_task import Builder, Made, SweepTask
from deployworkbook.compression.workers import TaskEvent, carry_out, local_client, remote_client
from deployworkbook.ledger.book import Ledger
from deployworkbook.ledger.machine import this_machine
from deployworkbook.training.data import Dataset, DatasetName, load_dataset
from deployworkbook.validation import check_integer, value_error
from deployworkbook.workspace.folder import Workspace, current_workspace
from deployworkbook.workspace.notices import Notice, notify

# Memory of a worker with TensorFlow and MNIST, and some reserve.
MEMORY_BYTES = 2 * 2**30


def sweep(
    points: Sequence[SweepPoint],
    *,
    dataset: Literal["auto"] | DatasetName = "auto",
    epochs: int | None = None,
    seed: int = 0,
    workers: int | None = None,
    scheduler: str | None = None,
    retries: int = 2,
    workspace: Workspace | None = None,
    on_result: Callable[[SweepResult], None] = lambda result: None,
    notice: Notice = notify,
) -> list[SweepResult]:
    """Build and measure each point that is not in the ledger.

    Args:
        points: Points of the grid, at least one.
        dataset: Name of the data set, as for ``load_dataset``.
        epochs: Epochs of the longest stage; by default the recipe's.
        seed: Seed of the model and of all stages.
        workers: Number of worker processes on this machine, each with one thread; by default one
            per core, as far as there are points and memory.
        scheduler: Address of a Dask scheduler whose workers to use instead. They must have access
            to the workspace's folder.
        retries: How often to retry a point that fails.
        workspace: Workspace for ledger and models; by default the current one.
        on_result: Called in this thread whenever the status of a point changes.
        notice: Called with a text about the data, waiting and damage.

    Returns:
        The result of each point, in their order. After Ctrl-C, unfinished points are
        ``"stopped"``.

    Raises:
        TypeError: A value has the wrong type.
        ValueError: A value is out of range, or both workers and a scheduler are given.
        ConnectionError: The data are not available, or there is no scheduler with workers.
    """
    if not points:
        raise value_error("points", received="none", expected="at least one")
    if workers is not None and scheduler is not None:
        raise value_error("workers", received="both", expected="workers or a scheduler, not both")
    check_integer("retries", retries, 0)
    if workers is not None:
        check_integer("workers", workers, 1)
    place = (workspace or current_workspace()).create()
    builder = builder_of(epochs, seed)
    builder.check(points)
    run = _Sweep(points, builder, place, on_result)
    try:
        data = load_dataset(dataset)
        notice(str(data))
        jobs = run.jobs(data, notice)
        if jobs:
            with _client(len(jobs), workers, scheduler) as client:
                carry_out(
                    builder.make,
                    jobs,
                    groups=[job.keys[:-1] for job in jobs],
                    client=client,
                    retries=retries,
                    on_event=lambda event: run.take(jobs[event.index], event, notice),
                )
    except KeyboardInterrupt:
        run.stop()
    return [run.results[point] for point in points]


def builder_of(epochs: int | None, seed: int) -> Builder:
    """Return the builder of all points; the arguments are those of ``sweep``."""
    # Imported here: importing TensorFlow takes seconds, and only building needs it.
    from deployworkbook.compression.point_building import PointBuilder

    return PointBuilder(epochs, seed)


class _Sweep:
    """Results of a sweep's points so far."""

    def __init__(
        self,
        points: Sequence[SweepPoint],
        builder: Builder,
        workspace: Workspace,
        on_result: Callable[[SweepResult], None],
    ) -> None:
        self.points, self.builder, self.workspace = list(dict.fromkeys(points)), builder, workspace
        self.ledger = Ledger(workspace.ledger_path)
        self.results: dict[SweepPoint, SweepResult] = {}
        self.on_result = on_result

    def jobs(self, dataset: Dataset, notice: Notice) -> list[SweepTask]:
        """Return the points to build; first build, on all cores, what all of them start from."""
        models = self.workspace.models
        all_keys = self.builder.keys(self.points, dataset, models, notice)
        there = {entry.measurement.made_by: entry.measurement for entry in self.ledger.entries()}
        jobs = []
        for point, keys in zip(self.points, all_keys, strict=True):
            if keys[-1] in there:
                self._note(SweepResult(point, "found", there[keys[-1]]))
            else:
                jobs.append(SweepTask(point, keys, dataset.name, self.workspace.root))
        if jobs:
            self.builder.prepare(dataset, models, notice)
        return jobs

    def take(self, job: SweepTask, event: TaskEvent, notice: Notice) -> None:
        """Write a result to the ledger, and only then report it."""
        if event.status != "done":
            self._note(
                SweepResult(job.point, event.status, attempts=event.attempt, error=event.error)
            )
            return
        made: Made = event.value
        self.ledger.add_once(made.measurement, machine=made.machine)
        for text in made.notices:
            notice(text)
        self._note(
            SweepResult(job.point, "measured", made.measurement, event.attempt, made.stages_made)
        )

    def stop(self) -> None:
        """Mark unfinished points as stopped."""
        for point in self.points:
            if point not in self.results or self.results[point].status in {
                "running",
                "failed again",
            }:
                self._note(SweepResult(point, "stopped"))

    def _note(self, result: SweepResult) -> None:
        self.results[result.point] = result
        self.on_result(result)


def _client(
    jobs: int, workers: int | None, scheduler: str | None
) -> AbstractContextManager[Client]:
    if scheduler is not None:
        return remote_client(scheduler)
    machine = this_machine()
    usual = max(1, min(machine.cores, machine.memory_bytes // MEMORY_BYTES))
    return local_client(min(jobs, usual if workers is None else workers))
