"""Batching: requests that wait together run together, in one call of the model.

A request that finds nothing running runs at once, on its own thread: a batch of one, with no
handing over. Those that come meanwhile wait, and all that wait run next, as one batch. So batches
are as large as the load makes them, without anybody waiting for others that may not come.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable

import numpy as np

from deployworkbook.serving.embedded.batches import (
    Arrays,
    Batch,
    Done,
    Part,
    Queue,
    Run,
    Task,
    size_of,
)
from deployworkbook.serving.embedded.batching_parameters import Batching
from deployworkbook.serving.embedded.budget import MemoryBudget
from deployworkbook.serving.embedded.errors import Code, ServingError, invalid
from deployworkbook.serving.embedded.metrics import Metrics
from deployworkbook.serving.embedded.pace import Pace, Stopwatch
from deployworkbook.serving.embedded.tensors import bytes_of


class Batcher:
    """Queues of waiting requests, and threads that run them as batches.

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
        self._queues: dict[Hashable, Queue] = {}
        self._running = 0
        self._pace = Pace()
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
        waiting = threading.Lock()
        waiting.acquire()
        found: list[tuple[Arrays | None, Exception | None]] = []

        def done(outputs: Arrays | None, error: Exception | None) -> None:
            found.append((outputs, error))
            waiting.release()

        self.submit(key, arrays, run=run, done=done)
        self.help()
        waiting.acquire()
        ((outputs, error),) = found
        if error is not None:
            raise error
        return outputs or []

    def submit(self, key: Hashable, arrays: Arrays, *, run: Run, done: Done) -> None:
        """Let a computation wait for its batch; ``help`` or ``wake`` must be called afterwards.

        Args:
            key: Identifies the computation; equal keys mean equal ``run``.
            arrays: Its inputs, each with the examples along its first axis.
            run: The computation.
            done: Gets the outputs or the error, on the thread that ran the batch.

        Raises:
            ServingError: The arrays don't form a batch, are too many, or the queue is full.
        """
        size = size_of(arrays)
        if size > self._batching.max_batch_size:
            raise invalid(
                f"Task size {size} is larger than maximum input batch size "
                f"{self._batching.max_batch_size}"
            )
        if size == 0:
            done(run(arrays), None)
            return
        for _ in arrays:
            self._metrics.input_batch_size.observe(value=size)
        key = (key, *((array.dtype, array.shape[1:]) for array in arrays))
        task = Task(arrays, size, time.monotonic(), done, left=size)
        with self._changed:
            if self._closed:
                raise ServingError(Code.UNAVAILABLE, "The server is shutting down")
            queue = self._queues.get(key) or Queue(run)
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

    def help(self, *, within_s: float | None = None) -> None:
        """Run a batch on the calling thread, if one is ready and not too many are running.

        Whatever else waits is for the batch threads.

        Args:
            within_s: Run it only if such batches took no longer lately; ``None`` for any.
        """
        with self._changed:
            batch, _ = self._ready(within_s)
            if batch is None and self._queues and self._running < self._batching.num_batch_threads:
                self._changed.notify()  # a batch thread waits for its time, or runs it
        if batch is not None:
            self._make(batch)

    def close(self) -> None:
        """Run waiting requests, accept no more, and end the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                batch, wait_s = self._ready()
                while batch is None:
                    if self._closed and not self._queues:
                        return
                    self._changed.wait(wait_s)
                    batch, wait_s = self._ready()
            self._make(batch)
            del batch  # it refers to a model, which may be unloaded

    def _make(self, batch: Batch) -> None:
        watch = Stopwatch()
        try:
            self._run(batch.run, batch.parts)
        except Exception as error:  # every waiting request must get it
            for part in batch.parts:
                part.task.error = error
        self._pace.took(batch.kind, watch.seconds())
        with self._changed:
            self._running -= 1
            if self._closed:
                self._changed.notify_all()
            elif self._queues:
                self._changed.notify()
        self._finish(batch.parts)

    def _ready(self, within_s: float | None = None) -> tuple[Batch | None, float | None]:
        """Take a batch that is full or whose first task has waited long enough.

        Returns:
            The batch, and otherwise how long to wait until one is ready; ``None`` for until
            something changes.
        """
        if self._running >= self._batching.num_batch_threads:
            return None, None
        now, wait = time.monotonic(), None
        oldest: tuple[Hashable, Queue] | None = None
        for key, queue in self._queues.items():
            left = queue.tasks[0].since + self._batching.batch_timeout_micros / 1e6 - now
            if queue.size < self._batching.execution_size and left > 0 and not self._closed:
                wait = left if wait is None else min(wait, left)
            elif oldest is None or queue.tasks[0].since < oldest[1].tasks[0].since:
                oldest = key, queue
        if oldest is None:
            return None, wait
        key, queue = oldest
        kind = key, min(queue.size, self._batching.execution_size).bit_length()
        if within_s is not None and not self._pace.is_short(kind, within_s):
            return None, None
        self._running += 1
        parts = self._taken(key, queue)
        if self._queues and self._running < self._batching.num_batch_threads:
            self._changed.notify()
        return Batch(kind, queue.run, parts), None

    def _taken(self, key: Hashable, queue: Queue) -> list[Part]:
        parts, room, now = [], self._batching.execution_size, time.monotonic()
        while queue.tasks and room:
            task = queue.tasks[0]
            size = task.size - task.taken
            if size > room and not self._batching.enable_large_batch_splitting:
                break
            part = Part(task, task.taken, task.taken + min(size, room))
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

    def _finish(self, parts: list[Part]) -> None:
        with self._changed:
            for part in parts:
                part.task.left -= part.size
            finished = [part.task for part in parts if not part.task.left]
        for task in finished:
            task.finish()

    def _run(self, run: Run, parts: list[Part]) -> None:
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

    def _run_together(self, run: Run, parts: list[Part]) -> None:
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

    def _run_filled(self, run: Run, parts: list[Part], filled: int) -> None:
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
