"""The parameters of batching, from a ``--batching_parameters_file``."""

from __future__ import annotations

import os
from dataclasses import dataclass

from deployworkbook.validation import check_integer


@dataclass(frozen=True)
class Batching:
    """The parameters of batching, with TensorFlow Serving's names and defaults.

    Args:
        max_batch_size: Maximum number of examples per request and, without splitting, per batch.
        batch_timeout_micros: How long the first request of a batch waits for others, in µs.
        max_enqueued_batches: Maximum number of full batches that wait.
        num_batch_threads: How many batches run at once.
        allowed_batch_sizes: Sizes to pad batches to; none for any size.
        enable_large_batch_splitting: Whether to split requests that don't fit into a batch, and
            join their answers.
        max_execution_batch_size: With splitting, maximum number of examples per batch (default:
            ``max_batch_size``).
        thread_pool_name: Prefix of the threads' names.
    """

    max_batch_size: int = 1000
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    num_batch_threads: int = os.cpu_count() or 1
    allowed_batch_sizes: tuple[int, ...] = ()
    enable_large_batch_splitting: bool = False
    max_execution_batch_size: int | None = None
    thread_pool_name: str = "batch_threads"

    def __post_init__(self) -> None:
        check_integer("max_batch_size", self.max_batch_size, 1)
        check_integer("batch_timeout_micros", self.batch_timeout_micros, 0)
        check_integer("max_enqueued_batches", self.max_enqueued_batches, 1)
        check_integer("num_batch_threads", self.num_batch_threads, 1, 1024)
        check_integer("max_execution_batch_size", self.execution_size, 1)
        if self.execution_size > self.max_batch_size:
            raise ValueError(
                "When enable_large_batch_splitting is true, max_batch_size must be greater than or "
                f"equal to max_execution_batch_size; received {self.max_batch_size} and "
                f"{self.max_execution_batch_size}"
            )
        sizes = self.allowed_batch_sizes
        if sizes and (list(sizes) != sorted(set(sizes)) or sizes[0] < 1):
            raise ValueError("allowed_batch_sizes entries must be monotonically increasing")
        # TensorFlow Serving checks the one for its model servers, the other for single sessions.
        if sizes and sizes[-1] not in (self.max_batch_size, self.execution_size):
            splitting = self.enable_large_batch_splitting
            raise ValueError(
                "Last entry in allowed_batch_sizes must match max_batch_size"
                f"{' or max_execution_batch_size' if splitting else ''}; last entry was "
                f"{sizes[-1]}; expected {self.max_batch_size}"
                f"{f' or {self.execution_size}' if splitting else ''}"
            )

    @property
    def execution_size(self) -> int:
        """Maximum number of examples per batch.

        >>> Batching(max_execution_batch_size=32).execution_size
        1000
        >>> Batching(
        ...     enable_large_batch_splitting=True, max_execution_batch_size=32
        ... ).execution_size
        32
        """
        if self.enable_large_batch_splitting and self.max_execution_batch_size is not None:
            return self.max_execution_batch_size
        return self.max_batch_size
