"""Build the points of a sweep: the pipeline's recipe with each point's own settings."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from tqdm import tqdm

from deployworkbook.compression import distill, pipeline
from deployworkbook.compression.grid import SweepPoint
from deployworkbook.compression.sweep_task import Made, SweepTask
from deployworkbook.ledger.machine import this_machine
from deployworkbook.training.data import Dataset, DatasetName, load_dataset
from deployworkbook.training.fit import Recipe, baseline
from deployworkbook.workspace.cache import WAITING
from deployworkbook.workspace.folder import Workspace
from deployworkbook.workspace.notices import Notice

# TensorFlow has one seed per process, so a worker with several threads trains in one at a time.
_ALONE = threading.Lock()


@dataclass(frozen=True)
class PointBuilder:
    """Builds points with the pipeline.

    Args:
        epochs: Epochs of the longest stage; ``None`` for the recipe's.
        seed: Seed of the model and of all stages.
    """

    epochs: int | None = None
    seed: int = 0

    def check(self, points: Sequence[SweepPoint]) -> None:
        """Check that each point's recipe is valid.

        Raises:
            TypeError: A setting has the wrong type.
            ValueError: A setting is out of range.
        """
        for point in points:
            point.recipe(self.epochs)

    def keys(
        self, points: Sequence[SweepPoint], dataset: Dataset, folder: Path, notice: Notice
    ) -> list[tuple[str, ...]]:
        """Return the pipeline's cache keys of each point; train the model first if it is missing.

        Args:
            points: The points.
            dataset: Its training set is learned from.
            folder: Folder of the cache.
            notice: Called with a text when it waits for another process or finds damage.
        """
        model = self._model(dataset, folder, notice)
        return [self._keys(point, model, dataset) for point in points]

    def prepare(self, dataset: Dataset, folder: Path, notice: Notice) -> None:
        """Train the teacher and compute its logits, unless they are in the cache.

        Args:
            dataset: Its training set is learned from.
            folder: Folder of the cache.
            notice: Called with a text when it waits for another process or finds damage.
        """
        teacher = distill.teacher(dataset, folder=folder, notice=notice)
        augmentations = pipeline.RECIPE[0].augmentations
        distill.learn_from(
            dataset, teacher, augmentations=augmentations, folder=folder, notice=notice
        )

    def make(self, task: SweepTask) -> Made:
        """Build and measure a point, in a worker.

        Args:
            task: The point, and where its stages are cached.

        Raises:
            FileNotFoundError: The workspace's folder is not accessible from here.
            RuntimeError: Data, versions or code differ from those of the sweep's own process.
        """
        workspace, notices = Workspace(task.root), list[str]()

        def notice(text: str) -> None:
            # Workers are expected to wait for each other.
            if not text.endswith(WAITING):
                notices.append(text)

        if not workspace.records.is_dir():
            raise FileNotFoundError(
                f"{this_machine().name} has no access to the workspace {task.root}. Workers must "
                "share its folder: start them on the same machine, or keep it on a drive that all "
                "can write to."
            )
        recipe = task.point.recipe(self.epochs)
        # A lock within this process: one between processes would remain when a worker is killed.
        tqdm.set_lock(threading.RLock())
        with _ALONE:
            data = _load(task.dataset)
            model = self._model(data, workspace.models, notice)
            if self._keys(task.point, model, data) != task.keys:
                raise RuntimeError(
                    f"The worker on {this_machine().name} has other data, another version of "
                    "TensorFlow or other code. Install the same as where the sweep was started."
                )
            outcomes = pipeline.run(
                model, data, recipe=recipe, seed=self.seed, folder=workspace.models, notice=notice
            )
            measured = outcomes[-1].measurement
        epochs = [stage.settings.epochs for stage in recipe]
        measurement = replace(
            measured,
            variant=task.point.name(epochs=max(epochs), seed=self.seed),
            note=f"a sweep's point, {' + '.join(map(str, epochs))} epochs, seed {self.seed}; "
            "others ran at the same time",
        )
        return Made(measurement, this_machine(), sum(each.is_new for each in outcomes), notices)

    def _model(self, dataset: Dataset, folder: Path, notice: Notice) -> Any:
        return baseline(dataset, Recipe(seed=self.seed), folder=folder, notice=notice).model

    def _keys(self, point: SweepPoint, model: Any, dataset: Dataset) -> tuple[str, ...]:
        recipe = point.recipe(self.epochs)
        return tuple(pipeline.keys_of(model, dataset, recipe=recipe, seed=self.seed))


@lru_cache(maxsize=1)
def _load(name: DatasetName) -> Dataset:
    return load_dataset(name)
