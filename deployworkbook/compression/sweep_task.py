"""What a sweep hands to its workers, what they return, and how points are built.

No TensorFlow here: a worker imports only what the builder of its task needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from deployworkbook.compression.grid import SweepPoint
from deployworkbook.ledger.machine import Machine
from deployworkbook.ledger.measurement import Measurement
from deployworkbook.workspace.notices import Notice

if TYPE_CHECKING:
    from deployworkbook.training.data import Dataset, DatasetName


@dataclass(frozen=True)
class SweepTask:
    """A point as a task for a worker.

    Args:
        point: The point.
        keys: Cache key of each of its stages.
        dataset: Name of the data set.
        root: Folder of the workspace.
    """

    point: SweepPoint
    keys: tuple[str, ...]
    dataset: DatasetName
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


class Builder(Protocol):
    """How the points of a sweep are built; it travels to the workers with each task."""

    def check(self, points: Sequence[SweepPoint]) -> None:
        """Check that all points can be built, before anything is.

        Raises:
            TypeError: A setting has the wrong type.
            ValueError: A setting is out of range.
        """

    def keys(
        self, points: Sequence[SweepPoint], dataset: Dataset, folder: Path, notice: Notice
    ) -> list[tuple[str, ...]]:
        """Return the cache keys of each point's stages; the last is the key of its measurement."""

    def prepare(self, dataset: Dataset, folder: Path, notice: Notice) -> None:
        """Build, on all cores, what all points start from."""

    def make(self, task: SweepTask) -> Made:
        """Build and measure a point, in a worker."""
