"""What every training loop of this package shares: batches in random order, and paced calls."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

# Ctrl-C, Cancel and the progress bar wait until a call of the compiled function ends. So a call
# takes as many steps as fit into this time, but no more than make its own cost negligible.
SECONDS_PER_CALL = 0.5
STEPS_PER_CALL = 50

T = TypeVar("T")


class Batches:
    """Draw batches of indices: each example once per epoch, whatever the batch size.

    Args:
        examples: Number of examples.
        batch_size: Indices per batch.
        chance: Generator of the order.
    """

    def __init__(self, examples: int, batch_size: int, chance: np.random.Generator) -> None:
        self._examples, self._batch_size, self._chance = examples, batch_size, chance
        self._order = np.empty(0, dtype=np.int64)

    def draw(self, count: int) -> NDArray[np.int64]:
        """Draw the next batches, shape ``[count, batch_size]``."""
        needed = count * self._batch_size
        while len(self._order) < needed:
            self._order = np.append(self._order, self._chance.permutation(self._examples))
        chosen, self._order = np.split(self._order, [needed])
        return chosen.reshape(count, -1)


class Pace:
    """Divide steps into calls that take about as long as someone waits who presses Cancel."""

    def __init__(self) -> None:
        self._size = 5

    def calls(self, run: Callable[[int], T], steps: int, bar: Any) -> Iterator[T]:
        """Call a function with numbers of steps that sum to ``steps``; yield what it returns."""
        left = steps
        while left:
            size = min(self._size, left)
            start = time.perf_counter()
            result = run(size)
            seconds = max(time.perf_counter() - start, 1e-9)
            fitting = int(size * SECONDS_PER_CALL / seconds)
            self._size = max(1, min(fitting, STEPS_PER_CALL, 2 * self._size))
            left -= size
            bar.update(size)
            yield result
