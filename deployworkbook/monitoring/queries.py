"""What a panel shows, once as PromQL for Prometheus and once computed from our own readings."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

from deployworkbook.monitoring.counting import events, share
from deployworkbook.monitoring.exposition import History, Labels

Values = dict[Labels, float]
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds_of(window: str) -> float:
    """Return a length of time of Prometheus in seconds.

    >>> seconds_of("5m")
    300.0
    """
    return float(window[:-1]) * _UNITS[window[-1]]


class Query(ABC):
    """Numbers by labels, at a moment."""

    @abstractmethod
    def promql(self) -> str:
        """Write the query for Prometheus."""

    @abstractmethod
    def evaluate(self, history: History) -> Values:
        """Compute the same from readings.

        Args:
            history: The readings, at least one.
        """


@dataclass(frozen=True)
class Rate(Query):
    """Events per second, summed by labels.

    Args:
        counter: The counter's name.
        by: The labels to keep.
        window: How far back to look.
    """

    counter: str
    by: tuple[str, ...]
    window: str = "1m"

    def promql(self) -> str:
        """Write the query for Prometheus."""
        # Not by ``events``: for a Prometheus that has just started, all requests would be new.
        return f"sum by ({', '.join(self.by)}) (rate({self.counter}[{self.window}]))"

    def evaluate(self, history: History) -> Values:
        """Compute the same from readings; nothing from a single one."""
        found, length_s = history.increases(self.counter, seconds_of(self.window))
        return _summed(found, self.by, 1 / length_s) if length_s else {}


@dataclass(frozen=True)
class Events(Query):
    """The number of events, the first one included.

    Args:
        counter: The counter's name.
        by: The labels to keep.
        window: How far back to look.
    """

    counter: str
    by: tuple[str, ...]
    window: str = "1h"

    def promql(self) -> str:
        """Write the query for Prometheus."""
        return f"sum by ({', '.join(self.by)}) {events(self.counter, self.window)}"

    def evaluate(self, history: History) -> Values:
        """Compute the same from readings."""
        return _summed(history.increases(self.counter, seconds_of(self.window))[0], self.by)


@dataclass(frozen=True)
class FailedShare(Query):
    """The share of requests that the server failed.

    Args:
        counter: The counter of requests.
        label: The label that says how a request ended.
        fine: Its values that are no failures of the server.
        window: How far back to look.
    """

    counter: str
    label: str
    fine: tuple[str, ...]
    window: str = "5m"

    @property
    def selector(self) -> str:
        """The failed requests, as Prometheus selects them."""
        return f'{self.counter}{{{self.label}!~"{"|".join(self.fine)}"}}'

    def promql(self) -> str:
        """Write the query for Prometheus."""
        return share([self.selector], [self.counter], self.window)

    def evaluate(self, history: History) -> Values:
        """Compute the same from readings; nothing without requests."""
        found, _ = history.increases(self.counter, seconds_of(self.window))
        total = sum(found.values())
        failed = sum(
            count for labels, count in found.items() if dict(labels)[self.label] not in self.fine
        )
        return {(): failed / total} if total else {}


@dataclass(frozen=True)
class Quantile(Query):
    """A quantile from a histogram's buckets, such as the p99 of latency.

    Args:
        share: Such as 0.99.
        histogram: The histogram's name, without ``_bucket``.
        by: The labels to keep.
        scale: What to multiply with, such as 1000 for ms from s.
        window: How far back to look.
    """

    share: float
    histogram: str
    by: tuple[str, ...]
    scale: float = 1.0
    window: str = "5m"

    def promql(self) -> str:
        """Write the query for Prometheus."""
        labels = ", ".join(("le", *self.by))
        counts = f"sum by ({labels}) {events(f'{self.histogram}_bucket', self.window)}"
        scaled = f" * {self.scale:g}" if self.scale >= 1 else f" / {1 / self.scale:g}"
        return f"histogram_quantile({self.share:g}, {counts}){scaled if self.scale != 1 else ''}"

    def evaluate(self, history: History) -> Values:
        """Compute the same from readings; nothing without requests."""
        found, _ = history.increases(f"{self.histogram}_bucket", seconds_of(self.window))
        buckets: dict[Labels, dict[float, float]] = {}
        for labels, count in found.items():
            known = dict(labels)
            bound = float(known.pop("le"))
            of_key = buckets.setdefault(_kept(tuple(known.items()), self.by), {})
            of_key[bound] = of_key.get(bound, 0.0) + count
        values = {key: quantile_of(self.share, of_key) for key, of_key in buckets.items()}
        return {key: self.scale * value for key, value in values.items() if not math.isnan(value)}


@dataclass(frozen=True)
class Value(Query):
    """A gauge as it is, summed by labels.

    Args:
        gauge: The gauge's name.
        by: The labels to keep.
    """

    gauge: str
    by: tuple[str, ...] = field(default=())

    def promql(self) -> str:
        """Write the query for Prometheus."""
        return f"sum by ({', '.join(self.by)}) ({self.gauge})"

    def evaluate(self, history: History) -> Values:
        """Read it from the newest reading."""
        found = {
            labels: value
            for (name, labels), value in history.newest.values.items()
            if name == self.gauge
        }
        return _summed(found, self.by)


def quantile_of(share: float, counts: Mapping[float, float]) -> float:
    """Estimate a quantile from cumulative buckets, as Prometheus does: straight within a bucket.

    Args:
        share: Such as 0.99.
        counts: Values of at most each bound, by bound; the last bound is infinite.

    Returns:
        NaN without values; the last finite bound if the quantile is above it.

    >>> quantile_of(0.5, {1.0: 0, 2.0: 10, math.inf: 10})
    1.5
    """
    bounds = sorted(counts)
    total = counts[bounds[-1]]
    if total == 0:
        return math.nan
    rank = share * total
    below, low = 0.0, 0.0
    for bound in bounds:
        if counts[bound] >= rank:
            if math.isinf(bound):
                return low
            return low + (bound - low) * (rank - below) / (counts[bound] - below or 1.0)
        below, low = counts[bound], bound
    return low


def _kept(labels: Labels, by: tuple[str, ...]) -> Labels:
    known = dict(labels)
    return tuple((name, known.get(name, "")) for name in by)


def _summed(found: Mapping[Labels, float], by: tuple[str, ...], scale: float = 1.0) -> Values:
    sums: Values = {}
    for labels, value in found.items():
        key = _kept(labels, by)
        sums[key] = sums.get(key, 0.0) + scale * value
    return sums
