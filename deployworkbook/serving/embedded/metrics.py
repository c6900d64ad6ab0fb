"""Counters and histograms under TensorFlow Serving's names, in Prometheus' text format.

The names begin with a colon, which Prometheus' own client refuses, so the text is written here.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterator

# Upper ends of the buckets of a latency, µs.
BUCKETS_US = tuple(10 * 1.8**power for power in range(33))
# A client may ask for any name; past so many, those of no model count as one.
MOST_NAMES = 200
OTHER_NAME = "(other)"

Labels = tuple[str, ...]


class Counter:
    """A number a set of labels that only grows.

    Args:
        name: The metric's.
        labels: The names of its labels.
    """

    kind = "counter"

    def __init__(self, name: str, labels: Labels) -> None:
        self.name = name
        self.labels = labels
        self._lock = threading.Lock()
        self._values: dict[Labels, float] = {}

    def add(self, *values: str, amount: float = 1) -> None:
        """Add to the counter of these values of the labels."""
        with self._lock:
            if values not in self._values and len(self._values) >= MOST_NAMES:
                values = (OTHER_NAME, *values[1:])
            self._values[values] = self._values.get(values, 0) + amount

    def lines(self) -> Iterator[str]:
        """Write one line a set of labels."""
        with self._lock:
            copy = dict(self._values)
        for values, number in copy.items():
            yield f"{self.name}{{{_written(self.labels, values)}}} {number:.17g}"


class Histogram:
    """How many observations fell below each bound, for each set of labels; all in µs."""

    kind = "histogram"

    def __init__(self, name: str, labels: Labels) -> None:
        self.name = name
        self.labels = labels
        self._lock = threading.Lock()
        self._counts: dict[Labels, list[int]] = {}
        self._sums: dict[Labels, float] = {}

    def observe(self, *values: str, microseconds: float) -> None:
        """Count one observation under these values of the labels."""
        with self._lock:
            counts = self._counts.get(values)
            if counts is None:
                counts = self._counts[values] = [0] * (len(BUCKETS_US) + 1)
                self._sums[values] = 0.0
            counts[bisect_left(BUCKETS_US, microseconds)] += 1
            self._sums[values] += microseconds

    def lines(self) -> Iterator[str]:
        """Write the buckets, the sum and the count of each set of labels."""
        with self._lock:
            copy = [
                (values, list(counts), self._sums[values])
                for values, counts in self._counts.items()
            ]
        for values, counts, total in copy:
            written, seen = _written(self.labels, values), 0
            for bound, count in zip([*map(_short, BUCKETS_US), "+Inf"], counts, strict=True):
                seen += count
                yield f'{self.name}_bucket{{{written},le="{bound}"}} {seen}'
            yield f"{self.name}_sum{{{written}}} {total:.17g}"
            yield f"{self.name}_count{{{written}}} {seen}"


class Metrics:
    """What TensorFlow Serving counts."""

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

    def text(self) -> str:
        """Write all of them, each after its type."""
        written: list[str] = []
        for metric in vars(self).values():
            written += [f"# TYPE {metric.name} {metric.kind}", *metric.lines()]
        return "\n".join(written) + "\n"


def _written(names: Labels, values: Labels) -> str:
    pairs = zip(names, values, strict=True)
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in pairs)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _short(bound: float) -> str:
    return f"{bound:g}"
