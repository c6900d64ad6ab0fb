"""Counters and histograms with TensorFlow Serving's names, in Prometheus' text format.

Prometheus' own client appends ``_total`` to each counter's name and writes ``3.0`` for 3.
TensorFlow Serving doesn't, so a dashboard or alert made for one would find nothing at the other.
That is why the text is written here.

Some of TensorFlow Serving's metrics are missing: ``request_log_count``, because this server doesn't
log requests (``logging_config``), and those of TensorFlow's runtime (``:tensorflow:core:…``), which
no public Python function returns.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Any

Labels = tuple[str, ...]
Bounds = tuple[float, ...]


def exponential(first: float, growth: float, count: int) -> Bounds:
    """List the upper bounds of buckets, each a multiple of the one before it.

    >>> exponential(1, 2, 5)
    (1, 2, 4, 8, 16)
    """
    return tuple(first * growth**power for power in range(count))


# Upper bounds of TensorFlow Serving's buckets: for latencies in µs, for the time in a batching
# queue in µs, and for numbers of examples.
BUCKETS_US = exponential(10, 1.8, 33)
QUEUE_BUCKETS_US = exponential(100, 1.2, 52)
BATCH_SIZES = exponential(1, 2, 14)
EXAMPLE_COUNTS = exponential(1, 2, 15)
# Clients may ask for any name. Beyond this many, or this long, new names are counted as one.
MOST_NAMES = 200
LONGEST_NAME = 256
OTHER_NAME = "(other)"


class Counter:
    """A counter per label set.

    Args:
        name: The metric's name.
        labels: The names of its labels.
    """

    kind = "counter"

    def __init__(self, name: str, labels: Labels) -> None:
        self.name = name
        self.labels = labels
        self._lock = threading.Lock()
        self._names: set[str] = set()
        self._values: dict[Labels, float] = {}

    def add(self, *values: str, amount: float = 1) -> None:
        """Add to the counter with these label values."""
        with self._lock:
            values = _bounded(values, self._names)
            self._values[values] = self._values.get(values, 0) + amount

    def state(self) -> list[Any]:
        """Return the label sets and their values, as JSON can hold them."""
        with self._lock:
            return [[values, number] for values, number in self._values.items()]

    def include(self, state: list[Any]) -> None:
        """Add what another process counted: its ``state``."""
        for values, number in state:
            self.add(*values, amount=number)

    def lines(self) -> Iterator[str]:
        """Write one line per label set."""
        with self._lock:
            copy = dict(self._values)
        for values, number in copy.items():
            yield f"{self.name}{{{_written(self.labels, values)}}} {number:.17g}"


class Histogram:
    """A histogram per label set.

    A value equal to a bound counts as below it, which is what Prometheus' ``le`` means; TensorFlow
    Serving counts it as above.

    Args:
        name: The metric's name.
        labels: The names of its labels.
        bounds: The upper bounds of its buckets.
    """

    kind = "histogram"

    def __init__(self, name: str, labels: Labels, bounds: Bounds = BUCKETS_US) -> None:
        self.name = name
        self.labels = labels
        self._bounds = bounds
        self._lock = threading.Lock()
        self._names: set[str] = set()
        self._counts: dict[Labels, list[int]] = {}
        self._sums: dict[Labels, float] = {}

    def observe(self, *values: str, value: float) -> None:
        """Count a value under these label values."""
        with self._lock:
            values = _bounded(values, self._names)
            counts = self._counts.get(values)
            if counts is None:
                counts = self._counts[values] = [0] * (len(self._bounds) + 1)
                self._sums[values] = 0.0
            counts[bisect_left(self._bounds, value)] += 1
            self._sums[values] += value

    def state(self) -> list[Any]:
        """Return the label sets, their buckets and their sums, as JSON can hold them."""
        with self._lock:
            return [
                [values, list(counts), self._sums[values]]
                for values, counts in self._counts.items()
            ]

    def include(self, state: list[Any]) -> None:
        """Add what another process counted: its ``state``."""
        with self._lock:
            for given, counts, total in state:
                values = _bounded(tuple(given), self._names)
                own = self._counts.get(values, [0] * len(counts))
                self._counts[values] = [a + b for a, b in zip(own, counts, strict=True)]
                self._sums[values] = self._sums.get(values, 0.0) + total

    def lines(self) -> Iterator[str]:
        """Write the buckets, the sum and the count of each label set."""
        with self._lock:
            copy = [
                (values, list(counts), self._sums[values])
                for values, counts in self._counts.items()
            ]
        for values, counts, total in copy:
            written, seen = _written(self.labels, values), 0
            before = f"{written}," if written else ""
            for bound, count in zip([*map(_short, self._bounds), "+Inf"], counts, strict=True):
                seen += count
                yield f'{self.name}_bucket{{{before}le="{bound}"}} {seen}'
            yield f"{self.name}_sum{{{written}}} {total:.17g}"
            yield f"{self.name}_count{{{written}}} {seen}"


class Metrics:
    """TensorFlow Serving's metrics."""

    def __init__(self) -> None:
        self.requests = Counter(":tensorflow:serving:request_count", ("model_name", "status"))
        self.request_latency = Histogram(
            ":tensorflow:serving:request_latency", ("model_name", "API", "entrypoint")
        )
        self.runtime_latency = Histogram(
            ":tensorflow:serving:runtime_latency", ("model_name", "API", "runtime")
        )
        self.load_attempts = Counter(
            ":tensorflow:cc:saved_model:load_attempt_count", ("model_path", "status")
        )
        self.load_latency = Counter(":tensorflow:cc:saved_model:load_latency", ("model_path",))
        serving, batching = ":tensorflow:serving:", ":tensorflow:serving:batching_session:"
        self.example_counts = Histogram(
            f"{serving}request_example_counts", ("model",), EXAMPLE_COUNTS
        )
        self.example_total = Counter(f"{serving}request_example_count_total", ("model",))
        self.warmup_latency = Histogram(f"{serving}model_warmup_latency", ("model_path", "status"))
        self.warmup_records = Counter(f"{serving}model_warmup_records_read", ("model_path",))
        self.queuing_latency = Histogram(
            f"{batching}queuing_latency", ("thread_pool_name",), QUEUE_BUCKETS_US
        )
        self.wrapped_run_count = Counter(f"{batching}wrapped_run_count", ())
        self.input_batch_size = Histogram(f"{batching}input_batch_size", (), BATCH_SIZES)
        self.processed_batch_size = Histogram(f"{batching}processed_batch_size", (), BATCH_SIZES)
        self.padding_size = Histogram(
            f"{batching}padding_size", ("execution_batch_size",), BATCH_SIZES
        )

    @classmethod
    def of(cls, states: Iterable[dict[str, list[Any]]]) -> Metrics:
        """Sum what several processes counted.

        >>> one = Metrics()
        >>> one.requests.add("digits", "OK")
        >>> both = Metrics.of([one.state(), one.state()])
        >>> list(both.requests.lines())
        [':tensorflow:serving:request_count{model_name="digits",status="OK"} 2']
        """
        found = cls()
        for state in states:
            for name, metric in vars(found).items():
                metric.include(state[name])
        return found

    def state(self) -> dict[str, list[Any]]:
        """Return all values, as JSON can hold them."""
        return {name: metric.state() for name, metric in vars(self).items()}

    def text(self) -> str:
        """Write all metrics, each after its type."""
        written: list[str] = []
        for metric in vars(self).values():
            written += [f"# TYPE {metric.name} {metric.kind}", *metric.lines()]
        return "\n".join(written) + "\n"


def _bounded(values: Labels, names: set[str]) -> Labels:
    """Return the label values; replace a new first value if there are too many, or it is too long.

    The other labels have few values, so they don't need a limit.
    """
    if not values or values[0] in names:
        return values
    if len(names) < MOST_NAMES and len(values[0]) <= LONGEST_NAME:
        names.add(values[0])
        return values
    return (OTHER_NAME, *values[1:])


def _written(names: Labels, values: Labels) -> str:
    pairs = zip(names, values, strict=True)
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in pairs)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _short(bound: float) -> str:
    return f"{bound:g}"
