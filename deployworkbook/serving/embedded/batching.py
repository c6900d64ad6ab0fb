"""Requests that wait together run together: one call of the model for many of them."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.serving.embedded.errors import Code, ServingError, invalid
from deployworkbook.validation import check_integer

Arrays = list[NDArray[Any]]
Run = Callable[[Arrays], Arrays]


@dataclass(frozen=True)
class Batching:
    """The parameters, with TensorFlow Serving's names and defaults.

    Args:
        max_batch_size: How many examples run together at most.
        batch_timeout_micros: How long the first of a batch waits for others, µs.
        max_enqueued_batches: How many full batches may wait.
        num_batch_threads: How many batches run at once.
        allowed_batch_sizes: Sizes that batches are filled up to; none for any.
    """

    max_batch_size: int = 1000
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    num_batch_threads: int = os.cpu_count() or 1
    allowed_batch_sizes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_integer("max_batch_size", self.max_batch_size, 1)
        check_integer("batch_timeout_micros", self.batch_timeout_micros, 0)
        check_integer("max_enqueued_batches", self.max_enqueued_batches, 1)
        check_integer("num_batch_threads", self.num_batch_threads, 1, 1024)
        sizes = self.allowed_batch_sizes
        if sizes and (list(sizes) != sorted(set(sizes)) or sizes[0] < 1):
            raise ValueError("allowed_batch_sizes entries must be monotonically increasing")
        if sizes and sizes[-1] != self.max_batch_size:
            raise ValueError(
                "Last entry in allowed_batch_sizes must match max_batch_size; last entry was "
                f"{sizes[-1]}; expected {self.max_batch_size}"
            )


@dataclass(eq=False)
class _Task:
    arrays: Arrays
    size: int
    since: float
    done: threading.Event = field(default_factory=threading.Event)
    outputs: Arrays = field(default_factory=list)
    error: Exception | None = None


@dataclass(eq=False)
class _Queue:
    run: Run
    tasks: deque[_Task] = field(default_factory=deque)
    size: int = 0


class Batcher:
    """Threads that take waiting requests and run them as batches.

    Requests share a batch only where the same computation takes arrays of the same types and
    shapes, so that a wrong request never spoils another's.

    Args:
        batching: The parameters.
    """

    def __init__(self, batching: Batching) -> None:
        self._batching = batching
        self._changed = threading.Condition()
        self._queues: dict[Hashable, _Queue] = {}
        self._closed = False
        for number in range(batching.num_batch_threads):
            threading.Thread(target=self._work, name=f"batch-{number}", daemon=True).start()

    def run(self, key: Hashable, arrays: Arrays, *, run: Run) -> Arrays:
        """Run a computation on arrays, together with others of the same key.

        Args:
            key: The computation's; equal keys mean equal ``run``.
            arrays: Its inputs, each with the examples along its first axis.
            run: The computation.

        Returns:
            Its outputs for these examples alone.

        Raises:
            ServingError: The arrays form no batch, are too many, or the queue is full.
        """
        size = _size_of(arrays)
        if size > self._batching.max_batch_size:
            raise invalid(
                f"Task size {size} is larger than maximum input batch size "
                f"{self._batching.max_batch_size}"
            )
        if size == 0:
            return run(arrays)
        key = (key, *((array.dtype, array.shape[1:]) for array in arrays))
        task = _Task(arrays, size, time.monotonic())
        with self._changed:
            if self._closed:
                raise ServingError(Code.UNAVAILABLE, "The server is shutting down")
            queue = self._queues.setdefault(key, _Queue(run))
            most = self._batching.max_batch_size * self._batching.max_enqueued_batches
            if queue.size + size > most:
                raise ServingError(
                    Code.UNAVAILABLE,
                    "The batch scheduling queue to which this task was submitted is full",
                )
            queue.tasks.append(task)
            queue.size += size
            self._changed.notify()
        task.done.wait()
        if task.error is not None:
            raise task.error
        return task.outputs

    def close(self) -> None:
        """Run what waits, take nothing more, and end the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            batch = self._next()
            if batch is None:
                return
            run, tasks = batch
            try:
                self._run(run, tasks)
            except Exception as error:  # each waiting request has to hear of it
                for task in tasks:
                    task.error = error
            for task in tasks:
                task.done.set()

    def _next(self) -> tuple[Run, list[_Task]] | None:
        """Wait for a batch that is full, or whose first task has waited long enough."""
        with self._changed:
            while True:
                now, wait = time.monotonic(), None
                oldest: tuple[Hashable, _Queue] | None = None
                for key, queue in self._queues.items():
                    left = queue.tasks[0].since + self._batching.batch_timeout_micros / 1e6 - now
                    if queue.size < self._batching.max_batch_size and left > 0 and not self._closed:
                        wait = left if wait is None else min(wait, left)
                    elif oldest is None or queue.tasks[0].since < oldest[1].tasks[0].since:
                        oldest = key, queue
                if oldest is not None:
                    return oldest[1].run, self._taken(*oldest)
                if self._closed:
                    return None
                self._changed.wait(wait)

    def _taken(self, key: Hashable, queue: _Queue) -> list[_Task]:
        tasks, size = [], 0
        while queue.tasks and size + queue.tasks[0].size <= self._batching.max_batch_size:
            task = queue.tasks.popleft()
            tasks.append(task)
            size += task.size
        queue.size -= size
        if not queue.tasks:
            del self._queues[key]  # it holds a model, which may be unloaded
        return tasks

    def _run(self, run: Run, tasks: list[_Task]) -> None:
        try:
            self._run_together(run, tasks)
        except ServingError:
            if len(tasks) == 1:
                raise
            for task in tasks:  # one of them is wrong: let only that one hear of it
                try:
                    self._run_together(run, [task])
                except ServingError as error:
                    task.error = error

    def _run_together(self, run: Run, tasks: list[_Task]) -> None:
        size = sum(task.size for task in tasks)
        filled = next((n for n in self._batching.allowed_batch_sizes if n >= size), size)
        inputs = []
        for parts in zip(*(task.arrays for task in tasks), strict=True):
            filling = [np.repeat(parts[0][:1], filled - size, axis=0)] if filled > size else []
            whole = [*parts, *filling]
            inputs.append(np.concatenate(whole) if len(whole) > 1 else parts[0])
        outputs = run(inputs)
        for output in outputs:
            if output.ndim == 0:
                raise ServingError(
                    Code.FAILED_PRECONDITION, "Batched output tensor has 0 dimensions"
                )
            if len(output) != filled:
                raise ServingError(
                    Code.FAILED_PRECONDITION,
                    "Batched output tensor's 0th dimension does not equal the sum of the 0th "
                    "dimension sizes of the input tensors",
                )
        start = 0
        for task in tasks:
            task.outputs = [output[start : start + task.size] for output in outputs]
            start += task.size


def _size_of(arrays: Arrays) -> int:
    if any(array.ndim == 0 for array in arrays):
        raise invalid("Batching session Run() input tensors must have at least one dimension.")
    sizes = {len(array) for array in arrays}
    if len(sizes) > 1:
        raise invalid("Batching session Run() input tensors must have equal 0th-dimension size")
    return sizes.pop() if sizes else 0
