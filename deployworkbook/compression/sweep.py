"""Sweeps: run the pipeline at each point of a grid of bits, sparsity and temperature, in parallel.

Each result goes into the ledger at once, under a hash of everything that determines it; a point
that is already there is not computed again. Points that differ only in their bits share the pruned
model.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

from distributed import Client
from tqdm import tqdm

from deployworkbook.compression import distill, pipeline
from deployworkbook.compression.grid import SweepPoint, SweepResult
from deployworkbook.compression.stages import Stage
from deployworkbook.compression.workers import TaskEvent, carry_out, local_client, remote_client
from deployworkbook.ledger.book import Ledger
from deployworkbook.ledger.machine import Machine, this_machine
from deployworkbook.ledger.measurement import Measurement
from deployworkbook.training.data import Dataset, DatasetName, load_dataset
from deployworkbook.training.fit import Recipe, baseline
from deployworkbook.validation import check_integer, value_error
from deployworkbook.workspace.cache import WAITING
from deployworkbook.workspace.folder import Workspace, current_workspace
from deployworkbook.workspace.notices import Notice, notify

# Memory of a worker with TensorFlow and MNIST, and some reserve.
MEMORY_BYTES = 2 * 2**30

# TensorFlow has one seed per process, so a worker with several threads trains in one at a time.
_ALONE = threading.Lock()


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
    run = _Sweep([(point, point.recipe(epochs)) for point in points], seed, place, on_result)
    try:
        data = load_dataset(dataset)
        notice(str(data))
        jobs = run.jobs(data, notice)
        if jobs:
            with _client(len(jobs), workers, scheduler) as client:
                carry_out(
                    make,
                    jobs,
                    groups=[job.keys[:-1] for job in jobs],
                    client=client,
                    retries=retries,
                    on_event=lambda event: run.take(jobs[event.index], event, notice),
                )
    except KeyboardInterrupt:
        run.stop()
    return [run.results[point] for point in points]


@dataclass(frozen=True)
class SweepTask:
    """A point as a task for a worker.

    Args:
        point: The point.
        recipe: Its stages.
        keys: Cache key of each stage.
        dataset: Name of the data set.
        seed: Seed of the model and of all stages.
        root: Folder of the workspace.
    """

    point: SweepPoint
    recipe: tuple[Stage, ...]
    keys: tuple[str, ...]
    dataset: DatasetName
    seed: int
    root: Path


@dataclass(frozen=True)
class Made:
    """Result of a worker's task.

    Args:
        measurement: Measurement of the last stage.
        machine: The worker's machine.
        stages_made: Number of stages that were not in the cache.
        notices: Notices for the learner.
    """

    measurement: Measurement
    machine: Machine
    stages_made: int
    notices: list[str] = field(default_factory=list)


def make(job: SweepTask) -> Made:
    """Build and measure a point, in a worker.

    Raises:
        FileNotFoundError: The workspace's folder is not accessible from here.
        RuntimeError: Data, versions or code differ from those of the sweep's own process.
    """
    workspace, notices = Workspace(job.root), list[str]()

    def notice(text: str) -> None:
        # Workers are expected to wait for each other.
        if not text.endswith(WAITING):
            notices.append(text)

    if not workspace.records.is_dir():
        raise FileNotFoundError(
            f"{this_machine().name} has no access to the workspace {job.root}. Workers must share "
            "its folder: start them on the same machine, or keep it on a drive that all can write "
            "to."
        )
    # A lock within this process: a lock between processes would remain when a worker is killed.
    tqdm.set_lock(threading.RLock())
    with _ALONE:
        data, models = _load(job.dataset), workspace.models
        model = baseline(data, Recipe(seed=job.seed), folder=models, notice=notice).model
        keys = tuple(pipeline.keys_of(model, data, recipe=job.recipe, seed=job.seed))
        if keys != job.keys:
            raise RuntimeError(
                f"The worker on {this_machine().name} has other data, another version of "
                "TensorFlow or other code. Install the same as where the sweep was started."
            )
        outcomes = pipeline.run(
            model,
            data,
            recipe=job.recipe,
            seed=job.seed,
            folder=models,
            notice=notice,
        )
    epochs = " + ".join(str(stage.settings.epochs) for stage in job.recipe)
    measurement = replace(
        outcomes[-1].measurement,
        variant=job.point.name(
            epochs=max(stage.settings.epochs for stage in job.recipe), seed=job.seed
        ),
        note=f"a sweep's point, {epochs} epochs, seed {job.seed}; others ran at the same time",
    )
    return Made(measurement, this_machine(), sum(each.is_new for each in outcomes), notices)


@lru_cache(maxsize=1)
def _load(name: DatasetName) -> Dataset:
    return load_dataset(name)


class _Sweep:
    """Results of a sweep's points so far."""

    def __init__(
        self,
        recipes: Sequence[tuple[SweepPoint, tuple[Stage, ...]]],
        seed: int,
        workspace: Workspace,
        on_result: Callable[[SweepResult], None],
    ) -> None:
        self.recipes, self.seed, self.workspace = dict(recipes), seed, workspace
        self.ledger = Ledger(workspace.ledger_path)
        self.results: dict[SweepPoint, SweepResult] = {}
        self.on_result = on_result

    def jobs(self, dataset: Dataset, notice: Notice) -> list[SweepTask]:
        """Return the points to build; first build, on all cores, what all of them start from."""
        models, seed = self.workspace.models, self.seed
        model = baseline(dataset, Recipe(seed=seed), folder=models, notice=notice).model
        there = {entry.measurement.made_by: entry.measurement for entry in self.ledger.entries()}
        jobs = []
        for point, recipe in self.recipes.items():
            keys = tuple(pipeline.keys_of(model, dataset, recipe=recipe, seed=seed))
            if keys[-1] in there:
                self._note(SweepResult(point, "found", there[keys[-1]]))
            else:
                root = self.workspace.root
                jobs.append(SweepTask(point, recipe, keys, dataset.name, seed, root))
        if jobs:
            teacher = distill.teacher(dataset, folder=models, notice=notice)
            augmentations = jobs[0].recipe[0].augmentations
            distill.learn_from(
                dataset, teacher, augmentations=augmentations, folder=models, notice=notice
            )
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
        for point in self.recipes:
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
