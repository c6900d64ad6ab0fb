"""Progress of a long build, reported to an observer that can end it between two steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from tqdm.auto import tqdm


@dataclass(frozen=True)
class BuildPart:
    """A part of a build, such as a stage of a pipeline.

    Args:
        name: Name for the learner, for example ``"prune97"``.
        kind: Kind, for example ``"Prune"``; parts of one kind take similar times per step.
        steps: Number of steps; 0 if the part can't be divided.
        epochs: Number of passes over the data in these steps; 0 if there are none.
    """

    name: str
    kind: str
    steps: int = 0
    epochs: int = 0


class BuildObserver(Protocol):
    """Observer of a build; every method may raise an exception to end the build."""

    def plan(self, parts: Sequence[BuildPart]) -> None:
        """Take note of the parts to come, in their order."""

    def begin(self, part: BuildPart) -> None:
        """Take note that a part begins, whether it was planned or not."""

    def update(self, steps: int = 1) -> None:
        """Take note of finished steps; with 0 steps, just give a chance to end the build."""


@contextmanager
def watched(progress: BuildObserver | None, part: BuildPart) -> Iterator[Any]:
    """Begin a part, and yield the object whose ``update`` counts its steps.

    Args:
        progress: Observer of the build; by default a tqdm bar.
        part: The part.
    """
    if progress is not None:
        progress.begin(part)
        yield progress
    else:
        hidden = part.steps == 0
        with tqdm(
            total=part.steps, unit="step", desc=part.name, mininterval=0.2, disable=hidden
        ) as bar:
            yield bar
