"""Batching: requests that wait together run together, in one call of the model."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.serving.embedded.batching_parameters import Batching
from deployworkbook.serving.embedded.budget import MemoryBudget
from deployworkbook.serving.embedded.errors import Code, ServingError, invalid
from deployworkbook.serving.embedded.metrics import Metrics
from deployworkbook.serving.embedded.tensors import bytes_of

Arrays = list[NDArray[Any]]
Run = Callable[[Arrays], Arrays]


@dataclass(eq=False)
class _Task:
    arrays: Arrays
    size: int
    since: float
    taken: int = 0
    left: int = 0
    done: threading.Event = field(default_factory=threading.Event)
    outputs: dict[int, Arrays] = field(default_factory=dict)
    error: Exception | None = None


@dataclass(frozen=True)
class _Part:
    """The examples of a task that run in one batch: all of them, unless the task is split."""

    task: _Task
    start: int
    stop: int

    @property
    def size(self) -> int:
        return self.stop - self.start

    def arrays(self) -> Arrays:
        return [array[self.start : self.stop] for array in self.task.arrays]


@dataclass(eq=False)
class _Queue:
    run: Run
    tasks: deque[_Task] = field(default_factory=deque)
    size: int = 0


class Batcher:
    """Threads that take waiting requests and run them as batches.

    Requests share a batch only if they run the same computation on arrays of the same types and
    shapes, so an invalid request never affects others.

    Args:
        batching: The parameters.
        metrics: Counts batch sizes and waits.
        budget: Memory for padding a batch; ``None`` for no limit.
    """

    def __init__(
        self, batching: Batching, metrics: Metrics | None = None, budget: MemoryBudget | None = None
    ) -> None:
        self._budget = budget
        self._batching = batching
        self._metrics = metrics or Metrics()
        self._changed = threading.Condition()
        self._queues: dict[Hashable, _Queue] = {}
        self._closed = False
        for number in range(batching.num_batch_threads):
            name = f"{batching.thread_pool_name}_{number}"
            threading.Thread(target=self._work, name=name, daemon=True).start()

    def run(self, key: Hashable, arrays: Arrays, *, run: Run) -> Arrays:
        """Run a computation on arrays, together with others of the same key.

        Args:
            key: Identifies the computation; equal keys mean equal ``run``.
            arrays: Its inputs, each with the examples along its first axis.
            run: The computation.

        Returns:
            Its outputs for these examples only.

        Raises:
            ServingError: The arrays don't form a batch, are too many, or the queue is full.
        """
        size = _size_of(arrays)
        if size > self._batching.max_batch_size:
            raise invalid(
                f"Task size {size} is larger than maximum input batch size "
                f"{self._batching.max_batch_size}"
            )
        if size == 0:
            return run(arrays)
        for _ in arrays:
            self._metrics.input_batch_size.observe(value=size)
        key = (key, *((array.dtype, array.shape[1:]) for array in arrays))
        task = _Task(arrays, size, time.monotonic(), left=size)
        with self._changed:
            if self._closed:
                raise ServingError(Code.UNAVAILABLE, "The server is shutting down")
            queue = self._queues.get(key) or _Queue(run)
            capacity = (
                self._batching.execution_size * self._batching.max_enqueued_batches - queue.size
            )
            if size > capacity:
                raise ServingError(
                    Code.UNAVAILABLE,
                    "The batch scheduling queue to which this task was submitted is full; task "
                    f"size is {size} but scheduling capacity is only {capacity} "
                    f"(max_enqueued_batches={self._batching.max_enqueued_batches}, "
                    f"max_execution_batch_size={self._batching.execution_size})",
                )
            self._queues[key] = queue
            queue.tasks.append(task)
            queue.size += size
            self._changed.notify()
        task.done.wait()
        if task.error is not None:
            raise task.error
        return _joined([task.outputs[start] for start in sorted(task.outputs)])

    def close(self) -> None:
        """Run waiting requests, accept no more, and end the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            batch = self._next()
            if batch is None:
                return
            run, parts = batch
            try:
                self._run(run, parts)
            except Exception as error:  # every waiting request must get it
                for part in parts:
                    part.task.error = error
            self._finish(parts)

    def _next(self) -> tuple[Run, list[_Part]] | None:
        """Wait for a batch that is full or whose first task has waited long enough."""
        with self._changed:
            while True:
                now, wait = time.monotonic(), None
                oldest: tuple[Hashable, _Queue] | None = None
                for key, queue in self._queues.items():
                    left = queue.tasks[0].since + self._batching.batch_timeout_micros / 1e6 - now
                    if queue.size < self._batching.execution_size and left > 0 and not self._closed:
                        wait = left if wait is None else min(wait, left)
                    elif oldest is None or queue.tasks[0].since < oldest[1].tasks[0].since:
                        oldest = key, queue
                if oldest is not None:
                    return oldest[1].run, self._taken(*oldest)
                if self._closed:
                    return None
                self._changed.wait(wait)

    def _taken(self, key: Hashable, queue: _Queue) -> list[_Part]:
        parts, room, now = [], self._batching.execution_size, time.monotonic()
        while queue.tasks and room:
            task = queue.tasks[0]
            size = task.size - task.taken
            if size > room and not self._batching.enable_large_batch_splitting:
                break
            part = _Part(task, task.taken, task.taken + min(size, room))
            parts.append(part)
            room -= part.size
            queue.size -= part.size
            task.taken = part.stop
            if task.taken == task.size:
                queue.tasks.popleft()
            # TensorFlow Serving leaves the name of the threads empty here.
            self._metrics.queuing_latency.observe("", value=(now - task.since) * 1e6)
        if not queue.tasks:
            del self._queues[key]  # it refers to a model, which may be unloaded
        return parts

    def _finish(self, parts: list[_Part]) -> None:
        with self._changed:
            for part in parts:
                part.task.left -= part.size
                if not part.task.left:
                    part.task.done.set()

    def _run(self, run: Run, parts: list[_Part]) -> None:
        try:
            self._run_together(run, parts)
        except ServingError:
            if len(parts) == 1:
                raise
            for part in parts:  # one of them is invalid: only that one gets the error
                try:
                    self._run_together(run, [part])
                except ServingError as error:
                    part.task.error = error

    def _run_together(self, run: Run, parts: list[_Part]) -> None:
        size = sum(part.size for part in parts)
        filled = next((n for n in self._batching.allowed_batch_sizes if n >= size), size)
        self._metrics.padding_size.observe(str(filled), value=filled - size)
        self._metrics.processed_batch_size.observe(value=filled)
        self._metrics.wrapped_run_count.add()
        if self._budget is None or filled == size:
            self._run_filled(run, parts, filled)
            return
        row_bytes = sum(bytes_of(array[:1]) for array in parts[0].arrays())
        with self._budget.account() as account:
            account.reserve(
                2 * (filled - size) * row_bytes,
                f"a batch padded from {size} to {filled} examples (allowed_batch_sizes)",
            )
            self._run_filled(run, parts, filled)

    def _run_filled(self, run: Run, parts: list[_Part], filled: int) -> None:
        size = sum(part.size for part in parts)
        inputs = []
        for arrays in zip(*(part.arrays() for part in parts), strict=True):
            filling = [np.repeat(arrays[0][:1], filled - size, axis=0)] if filled > size else []
            whole = [*arrays, *filling]
            inputs.append(np.concatenate(whole) if len(whole) > 1 else arrays[0])
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
        first = 0
        for part in parts:
            part.task.outputs[part.start] = [
                output[first : first + part.size] for output in outputs
            ]
            first += part.size


def _joined(pieces: list[Arrays]) -> Arrays:
    """Join the outputs of a request's parts."""
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


def _size_of(arrays: Arrays) -> int:
    if any(array.ndim == 0 for array in arrays):
        raise invalid("Batching session Run() input tensors must have at least one dimension.")
    sizes = {len(array) for array in arrays}
    if len(sizes) > 1:
        raise invalid("Batching session Run() input tensors must have equal 0th-dimension size")
    return sizes.pop() if sizes else 0
