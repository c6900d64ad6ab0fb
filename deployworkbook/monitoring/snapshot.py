"""How served models are doing, from their metrics: what ``deployworkbook monitor`` shows."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deployworkbook.formulas.slo import budget_left
from deployworkbook.monitoring.exposition import History, Reader
from deployworkbook.monitoring.outcomes import CLIENTS_CODES
from deployworkbook.monitoring.panels import LATENCY, REQUESTS
from deployworkbook.monitoring.queries import Quantile, Rate, Value
from deployworkbook.serving.api.addresses import read_endpoint
from deployworkbook.serving.api.server_files import METRICS_PATH
from deployworkbook.serving.client.errors import RequestError
from deployworkbook.serving.client.rest import RestClient
from deployworkbook.validation import value_error

# Where metrics are, below an address without a path: of a model server, and of an exporter.
PATHS = (METRICS_PATH, "/metrics")
WINDOW = "5m"
# How long a question about versions may take.
_DEADLINE_S = 2.0
# Counters of requests, the label that says how one ended, and the histogram of latencies in ms.
_KINDS = (
    (REQUESTS, "status", LATENCY, ("model_name", "API"), 1e-3),
    (
        "deployworkbook_requests_total",
        "code",
        "deployworkbook_request_latency_seconds",
        ("model", "version"),
        1e3,
    ),
)
_FINE = {code.name for code in CLIENTS_CODES}


@dataclass(frozen=True)
class Latency:
    """Quantiles of latency, of the last minutes or, with a single reading, since the start.

    Args:
        of: Whose, such as ``digits REST``.
        p50_ms: The median.
        p99_ms: The 99th percentile.
    """

    of: str
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Version:
    """A version of a model on the server.

    Args:
        model: The model's name.
        version: Its number.
        state: Such as ``AVAILABLE``.
        error: Why it wasn't loaded; empty if it was.
    """

    model: str
    version: int
    state: str
    error: str


@dataclass(frozen=True)
class Drift:
    """A detector's state.

    Args:
        detector: Its name.
        statistic: The newest value.
        threshold: Above which it alarms.
        alarms: How often it did.
    """

    detector: str
    statistic: float
    threshold: float
    alarms: int


@dataclass(frozen=True)
class Snapshot:
    """How one address is doing.

    Args:
        address: The metrics' address.
        problem: Why nothing could be read; empty if it could.
        requests: Requests since the server's start.
        failed: How many of them the server failed.
        per_second: Requests per second now; ``None`` after a single reading.
        failed_share: Share of the last minutes' requests that failed; ``None`` without any.
        budget_left: Share of the error budget that is left, of all requests so far.
        latencies: By model, and by protocol or version.
        versions: The versions of the models that were asked for.
        drift: The detectors.
        estimated_accuracy: Without labels; ``None`` if nobody estimates it.
    """

    address: str
    problem: str = ""
    requests: int = 0
    failed: int = 0
    per_second: float | None = None
    failed_share: float | None = None
    budget_left: float = 1.0
    latencies: tuple[Latency, ...] = ()
    versions: tuple[Version, ...] = ()
    drift: tuple[Drift, ...] = ()
    estimated_accuracy: float | None = None


def open_reader(address: str) -> Reader:
    """Make a reader of a server's metrics, and read once.

    Args:
        address: ``http://HOST:PORT`` of a model server or an exporter, or the metrics' own address.

    Returns:
        A reader; if nothing could be read, its ``error`` says why.

    Raises:
        ValueError: The address isn't one of HTTP.
    """
    endpoint = read_endpoint(address)
    if not endpoint.is_rest:
        raise value_error(
            "address",
            received=repr(address),
            expected="http://HOST:PORT",
            remedy="Metrics are at the port for REST, also those of gRPC.",
        )
    readers = [Reader(endpoint.address + path) for path in ("",) if endpoint.path] or [
        Reader(endpoint.address + path) for path in PATHS
    ]
    for reader in readers:
        if reader.read():
            return reader
    return readers[0]


def snapshot(reader: Reader, *, objective: float) -> Snapshot:
    """Sum up a server's newest readings, and ask it for its versions.

    Args:
        reader: A reader, as from ``open_reader``.
        objective: The share of requests that shouldn't fail, in (0, 1).
    """
    if reader.error or not len(reader.history):
        return Snapshot(reader.address, reader.error or "nothing read yet")
    history = reader.history
    total, failed = _totals(history)
    rates = [
        rate
        for counter, *_ in _KINDS
        for rate in Rate(counter, (), "1m").evaluate(history).values()
    ]
    estimates = list(Value("deployworkbook_estimated_accuracy").evaluate(history).values())
    return Snapshot(
        reader.address,
        requests=round(total),
        failed=round(failed),
        per_second=sum(rates) if len(history) > 1 else None,
        failed_share=_failed_share(history),
        budget_left=budget_left(failed, total, objective),
        latencies=_latencies(history),
        versions=_versions(reader),
        drift=_drift(history),
        estimated_accuracy=estimates[0] if estimates else None,
    )


def _totals(history: History) -> tuple[float, float]:
    labels = {counter: label for counter, label, *_ in _KINDS}
    total = failed = 0.0
    for (name, pairs), value in history.newest.values.items():
        if name in labels:
            total += value
            failed += value if dict(pairs).get(labels[name]) not in _FINE else 0.0
    return total, failed


def _failed_share(history: History) -> float | None:
    total = failed = 0.0
    for counter, label, *_ in _KINDS:
        found, _length_s = history.increases(counter, 300.0)
        total += sum(found.values())
        failed += sum(n for pairs, n in found.items() if dict(pairs).get(label) not in _FINE)
    return failed / total if total else None


def _latencies(history: History) -> tuple[Latency, ...]:
    found = []
    for _, _, histogram, by, scale in _KINDS:
        halves, tails = (
            Quantile(share, histogram, by, scale, WINDOW).evaluate(history) for share in (0.5, 0.99)
        )
        for key in sorted(halves.keys() & tails.keys()):
            name = " ".join(value for _, value in key)
            found.append(Latency(name, halves[key], tails[key]))
    return tuple(found)


def _drift(history: History) -> tuple[Drift, ...]:
    by = ("detector",)
    thresholds = Value("deployworkbook_drift_threshold", by).evaluate(history)
    statistics = Value("deployworkbook_drift_statistic", by).evaluate(history)
    alarms = Value("deployworkbook_drift_alarms_total", by).evaluate(history)
    return tuple(
        Drift(key[0][1], statistics.get(key, 0.0), threshold, round(alarms.get(key, 0)))
        for key, threshold in sorted(thresholds.items())
    )


def _versions(reader: Reader) -> tuple[Version, ...]:
    """Ask a model server about the models that its metrics name."""
    if not reader.address.endswith(METRICS_PATH):
        return ()
    found: list[Version] = []
    with RestClient(reader.address.removesuffix(METRICS_PATH), deadline_s=_DEADLINE_S) as client:
        for model in _models(reader.history):
            # A name that clients made up isn't served.
            with contextlib.suppress(RequestError, ValueError):
                found += (
                    Version(model, each.version, each.state, each.error)
                    for each in client.status(model)
                )
    return tuple(found)


def _models(history: History) -> Sequence[str]:
    names: dict[str, Any] = {}
    for (name, pairs), _ in history.newest.values.items():
        if name == REQUESTS and dict(pairs).get("status") == "OK":
            names[dict(pairs)["model_name"]] = None
    return sorted(names)
