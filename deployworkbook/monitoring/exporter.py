"""Metrics for Prometheus that TensorFlow Serving doesn't have: by version, and about the model.

TensorFlow Serving counts requests by model. During a canary release two versions of it answer, and
its metrics can't tell which one fails. These can, because they are counted where answers arrive.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from deployworkbook.serving.api.addresses import host_and_port
from deployworkbook.validation import check_array, check_integer, check_number

# Upper bounds of buckets in seconds, from 0.2 ms to 20 s. A quantile lies somewhere within its
# bucket, so it is never off by more than the growth: 10 %.
GROWTH = 1.1
LATENCY_BUCKETS_S = tuple(0.0002 * GROWTH**power for power in range(122))
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999)


class Exporter(Collector):
    """Metrics of predictions, for Prometheus to read; threads may share it.

    Args:
        model: The model's name.
        versions: Versions whose counters should exist, at 0, before their first request: Prometheus
            then sees the first failure as an increase.
        codes: Codes that should exist for them.

    >>> exporter = Exporter("digits", versions=[2])
    >>> exporter.count(2, "OK", latencies_s=[0.0012], classes=[7], confidences=[0.98])
    >>> 'deployworkbook_requests_total{code="OK",model="digits",version="2"} 1.0' in exporter.text()
    True
    """

    def __init__(
        self,
        model: str,
        *,
        versions: Iterable[int | str] = (),
        codes: Iterable[str] = ("OK", "INTERNAL", "UNAVAILABLE", "DEADLINE_EXCEEDED"),
    ) -> None:
        self.model = model
        self._lock = threading.Lock()
        self._requests = Counter({(str(v), code): 0 for v in versions for code in codes})
        self._classes: Counter[tuple[str, str]] = Counter()
        self._latencies: dict[str, _Buckets] = {}
        self._confidences: dict[str, _Buckets] = {}
        self._statistics: dict[str, float] = {}
        self._thresholds: dict[str, float] = {}
        self._alarms: Counter[str] = Counter()
        self._estimate: float | None = None
        self.registry = CollectorRegistry()
        self.registry.register(self)

    def count(
        self,
        version: int | str,
        code: str,
        *,
        requests: int = 1,
        latencies_s: ArrayLike = (),
        classes: ArrayLike = (),
        confidences: ArrayLike = (),
    ) -> None:
        """Count requests.

        Args:
            version: The version that was asked.
            code: How they ended, such as ``OK`` or ``INTERNAL``.
            requests: How many.
            latencies_s: How long answers took, in seconds.
            classes: The predicted class of each example.
            confidences: The largest probability of each example.

        Raises:
            ValueError: A latency is negative, or a number isn't finite.
        """
        which = str(version)
        taken, sure = (
            check_array(name, values, low=0) if np.size(values) else np.empty(0)
            for name, values in (("latencies_s", latencies_s), ("confidences", confidences))
        )
        predicted, counts = np.unique(np.asarray(classes, np.int64), return_counts=True)
        with self._lock:
            self._requests[which, code] += check_integer("requests", requests, 0)
            for each, number in zip(predicted.tolist(), counts.tolist(), strict=True):
                self._classes[which, str(each)] += number
            if taken.size:
                self._latencies.setdefault(which, _Buckets(LATENCY_BUCKETS_S)).add(taken)
            if sure.size:
                self._confidences.setdefault(which, _Buckets(SHARES)).add(sure)

    def expect(self, detector: str, threshold: float) -> None:
        """Make a detector's metrics, before it has seen anything.

        Args:
            detector: Its name.
            threshold: Above which statistic it alarms.
        """
        with self._lock:
            self._thresholds[detector] = threshold
            self._alarms[detector] += 0

    def show_drift(self, detector: str, statistic: float, *, alarms: int = 0) -> None:
        """Set a detector's statistic, and count its new alarms.

        Args:
            detector: Its name.
            statistic: The newest value.
            alarms: How often it has gone above its threshold since the last call.
        """
        with self._lock:
            self._statistics[detector] = statistic
            self._alarms[detector] += alarms

    def show_estimate(self, accuracy: float) -> None:
        """Set the accuracy that was estimated without labels.

        Args:
            accuracy: From 0 to 1.
        """
        self._estimate = check_number("accuracy", accuracy, 0, 1)

    def collect(self) -> Iterator[Metric]:
        """List all metrics, as Prometheus' client asks for them."""
        with self._lock:
            yield from self._collected()

    def _collected(self) -> list[Metric]:
        which = ("model", "version")
        requests = CounterMetricFamily(
            "deployworkbook_requests", "Requests by outcome", labels=(*which, "code")
        )
        for (version, code), count in self._requests.items():
            requests.add_metric((self.model, version, code), count)
        classes = CounterMetricFamily(
            "deployworkbook_predictions",
            "Examples by predicted class",
            labels=(*which, "predicted"),
        )
        for (version, predicted), count in self._classes.items():
            classes.add_metric((self.model, version, predicted), count)
        found: list[Metric] = [requests, classes]
        for name, text, histograms in (
            ("request_latency_seconds", "Latency of answered requests", self._latencies),
            ("confidence", "Largest probability of each example", self._confidences),
        ):
            family = HistogramMetricFamily(f"deployworkbook_{name}", text, labels=which)
            for version, buckets in histograms.items():
                family.add_metric((self.model, version), buckets.cumulative(), buckets.sum)
            found.append(family)
        by = ("model", "detector")
        alarms = CounterMetricFamily("deployworkbook_drift_alarms", "Alarms", labels=by)
        for detector, count in self._alarms.items():
            alarms.add_metric((self.model, detector), count)
        found.append(alarms)
        for name, text, gauges in (
            ("statistic", "Statistic of a detector", self._statistics),
            ("threshold", "Statistic above which a detector alarms", self._thresholds),
        ):
            gauge = GaugeMetricFamily(f"deployworkbook_drift_{name}", text, labels=by)
            for detector, value in gauges.items():
                gauge.add_metric((self.model, detector), value)
            found.append(gauge)
        if self._estimate is not None:
            estimate = GaugeMetricFamily(
                "deployworkbook_estimated_accuracy",
                "Accuracy estimated without labels, of the last window",
                labels=("model",),
            )
            estimate.add_metric((self.model,), self._estimate)
            found.append(estimate)
        return found

    def text(self) -> str:
        """Write all metrics in Prometheus' text format."""
        return generate_latest(self.registry).decode()

    def serve(self, port: int = 0, *, host: str = "127.0.0.1") -> Serving:
        """Offer the metrics over HTTP until the result is closed.

        Args:
            port: The port (default: a free one).
            host: The address to listen on.

        Raises:
            OSError: The port is taken.
        """
        return Serving(self.registry, port, host)


class Serving:
    """A small HTTP server of metrics; a context manager.

    Args:
        registry: The metrics.
        port: The port; 0 for a free one.
        host: The address to listen on.
    """

    def __init__(self, registry: CollectorRegistry, port: int, host: str) -> None:
        self._server, self._thread = start_http_server(port, addr=host, registry=registry)
        self.address = host_and_port(host, self._server.server_port)

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class _Buckets:
    """A histogram: many values at once cost little more than one."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = np.array(bounds)
        self._names = [*(f"{bound:.6g}" for bound in bounds), "+Inf"]
        self._counts: NDArray[np.int64] = np.zeros(len(self._names), np.int64)
        self.sum = 0.0

    def add(self, values: NDArray[Any]) -> None:
        """Count values; one that equals a bound counts as below it."""
        places = np.searchsorted(self._bounds, values.ravel(), side="left")
        self._counts += np.bincount(places, minlength=len(self._counts))
        self.sum += float(values.sum())

    def cumulative(self) -> list[tuple[str, float]]:
        return list(zip(self._names, self._counts.cumsum().tolist(), strict=True))
