"""Metrics for Prometheus that TensorFlow Serving doesn't have: by version, and about the model.

TensorFlow Serving counts requests by model. During a canary release two versions of it answer, and
its metrics can't tell which one fails. These can, because they are counted where answers arrive.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Self

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.exposition import generate_latest

from deployworkbook.serving.api.addresses import host_and_port
from deployworkbook.validation import check_number

# Upper bounds of buckets in seconds, from 0.2 ms to 20 s. A quantile lies somewhere within its
# bucket, so it is never off by more than the growth: 10 %.
GROWTH = 1.1
LATENCY_BUCKETS_S = tuple(0.0002 * GROWTH**power for power in range(122))
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999)


class Exporter:
    """Metrics of predictions, for Prometheus to read.

    Args:
        model: The model's name.
        versions: Versions whose counters should exist, at 0, before their first request: Prometheus
            then sees the first failure as an increase.
        codes: Codes that should exist for them.

    >>> exporter = Exporter("digits", versions=[2])
    >>> exporter.count(2, "OK", latency_s=0.0012, classes=[7], confidences=[0.98])
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
        self.registry = registry = CollectorRegistry()
        which = ("model", "version")
        self._requests = Counter(
            "deployworkbook_requests", "Requests by outcome", (*which, "code"), registry=registry
        )
        self._latency = Histogram(
            "deployworkbook_request_latency_seconds",
            "Latency of answered requests",
            which,
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        self._classes = Counter(
            "deployworkbook_predictions",
            "Examples by predicted class",
            (*which, "predicted"),
            registry=registry,
        )
        self._confidence = Histogram(
            "deployworkbook_confidence",
            "Largest probability of each example",
            which,
            buckets=SHARES,
            registry=registry,
        )
        drift = ("model", "detector")
        self._statistic = Gauge(
            "deployworkbook_drift_statistic", "Statistic of a detector", drift, registry=registry
        )
        self._threshold = Gauge(
            "deployworkbook_drift_threshold",
            "Statistic above which a detector alarms",
            drift,
            registry=registry,
        )
        self._alarms = Counter(
            "deployworkbook_drift_alarms", "Alarms of a detector", drift, registry=registry
        )
        self._estimate = Gauge(
            "deployworkbook_estimated_accuracy",
            "Accuracy estimated without labels, of the last window",
            ("model",),
            registry=registry,
        )
        for version in versions:
            for code in codes:
                self._requests.labels(model, str(version), code)

    def count(
        self,
        version: int | str,
        code: str,
        *,
        latency_s: float | None = None,
        classes: Iterable[int] = (),
        confidences: Iterable[float] = (),
    ) -> None:
        """Count a request.

        Args:
            version: The version that was asked.
            code: How it ended, such as ``OK`` or ``INTERNAL``.
            latency_s: How long the answer took, in seconds.
            classes: The predicted class of each example.
            confidences: The largest probability of each example.
        """
        which = self.model, str(version)
        self._requests.labels(*which, code).inc()
        if latency_s is not None:
            self._latency.labels(*which).observe(check_number("latency_s", latency_s, 0))
        for predicted in classes:
            self._classes.labels(*which, str(predicted)).inc()
        if confidences:
            histogram = self._confidence.labels(*which)
            for confidence in confidences:
                histogram.observe(confidence)

    def expect(self, detector: str, threshold: float) -> None:
        """Make a detector's metrics, before it has seen anything.

        Args:
            detector: Its name.
            threshold: Above which statistic it alarms.
        """
        self._threshold.labels(self.model, detector).set(threshold)
        self._alarms.labels(self.model, detector)

    def show_drift(self, detector: str, statistic: float, *, alarms: int = 0) -> None:
        """Set a detector's statistic, and count its new alarms.

        Args:
            detector: Its name.
            statistic: The newest value.
            alarms: How often it has gone above its threshold since the last call.
        """
        self._statistic.labels(self.model, detector).set(statistic)
        self._alarms.labels(self.model, detector).inc(alarms)

    def show_estimate(self, accuracy: float) -> None:
        """Set the accuracy that was estimated without labels.

        Args:
            accuracy: From 0 to 1.
        """
        self._estimate.labels(self.model).set(check_number("accuracy", accuracy, 0, 1))

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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
