"""What a long build tells whoever watches it; the watcher can end it between two steps."""

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
        name: What a learner reads, for example ``"prune97"``.
        kind: Parts of one kind take about equally long per step, for example ``"Prune"``.
        steps: How many updates will be reported; 0 where the part can't be divided.
        epochs: Passes over the data that the steps make up; 0 where there are none.
    """

    name: str
    kind: str
    steps: int = 0
    epochs: int = 0


class BuildObserver(Protocol):
    """Who watches a build; every method may raise an exception of its own to end the build."""

    def plan(self, parts: Sequence[BuildPart]) -> None:
        """Take note of the parts to come, in their order."""

    def begin(self, part: BuildPart) -> None:
        """Take note that a part begins, whether it was planned or not."""

    def update(self, steps: int = 1) -> None:
        """Take note of finished steps; with 0 steps, just give a chance to end the build."""


@contextmanager
def watched(progress: BuildObserver | None, part: BuildPart) -> Iterator[Any]:
    """Begin a part, and give what counts its steps by ``update``.

    Args:
        progress: Who watches; by default a tqdm bar does.
        part: What begins.
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
