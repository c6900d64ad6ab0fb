"""What a batch is made of: requests, or parts of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.serving.embedded.errors import Code, ServingError, invalid

Arrays = list[NDArray[Any]]
Run = Callable[[Arrays], Arrays]
# Gets the outputs, or the error.
Done = Callable[[Arrays | None, Exception | None], None]


@dataclass(eq=False)
class Task:
    """A request that waits for its batch, or whose parts wait for theirs.

    Args:
        arrays: Its inputs.
        size: The number of its examples.
        since: When it came.
        done: Gets its outputs or its error.
        left: How many examples haven't been run.
        taken: How many are in a batch, or were.
        outputs: The outputs of its parts, by their first example.
        error: What went wrong.
    """

    arrays: Arrays
    size: int
    since: float
    done: Done
    left: int
    taken: int = 0
    outputs: dict[int, Arrays] = field(default_factory=dict)
    error: Exception | None = None

    def finish(self) -> None:
        """Hand the outputs, or the error, to who waits for them."""
        outputs, error = None, self.error
        if error is None:
            try:
                outputs = joined([self.outputs[start] for start in sorted(self.outputs)])
            except ServingError as wrong:
                error = wrong
        self.done(outputs, error)


@dataclass(frozen=True)
class Part:
    """The examples of a task that run in one batch: all of them, unless the task is split."""

    task: Task
    start: int
    stop: int

    @property
    def size(self) -> int:
        """The number of examples."""
        return self.stop - self.start

    def arrays(self) -> Arrays:
        """Return the examples of each input."""
        return [array[self.start : self.stop] for array in self.task.arrays]


@dataclass(eq=False)
class Queue:
    """The tasks that wait to share a computation."""

    run: Run
    tasks: deque[Task] = field(default_factory=deque)
    size: int = 0


@dataclass(frozen=True)
class Batch:
    """What runs together.

    Args:
        kind: The kind of batch, for ``pace``.
        run: The computation.
        parts: The examples.
    """

    kind: Hashable
    run: Run
    parts: list[Part]


def joined(pieces: list[Arrays]) -> Arrays:
    """Join the outputs of a request's parts.

    Raises:
        ServingError: Their shapes differ beyond the first axis.
    """
    if len(pieces) == 1:
        return pieces[0]
    outputs = [list(of_one_output) for of_one_output in zip(*pieces, strict=True)]
    for of_one_output in outputs:
        shapes = {array.shape[1:] for array in of_one_output}
        if len(shapes) > 1:
            raise ServingError(
                Code.FAILED_PRECONDITION,
                "A request was split over batches (enable_large_batch_splitting), and their "
                f"outputs can't be joined: their rows have the shapes {sorted(shapes)}",
            )
    return [np.concatenate(of_one_output) for of_one_output in outputs]


def size_of(arrays: Arrays) -> int:
    """Return the number of examples of a request.

    Raises:
        ServingError: Its arrays have different numbers of them, or no axis for them.
    """
    if any(array.ndim == 0 for array in arrays):
        raise invalid("Batching session Run() input tensors must have at least one dimension.")
    sizes = {len(array) for array in arrays}
    if len(sizes) > 1:
        raise invalid("Batching session Run() input tensors must have equal 0th-dimension size")
    return sizes.pop() if sizes else 0
