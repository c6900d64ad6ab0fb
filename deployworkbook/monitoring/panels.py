"""The panels: what a dashboard, a lesson and the command ``monitor`` show of a served model."""

from __future__ import annotations

import re
from dataclasses import dataclass

from deployworkbook.monitoring.exposition import Labels
from deployworkbook.monitoring.outcomes import CLIENTS_CODES
from deployworkbook.monitoring.queries import (
    Events,
    FailedShare,
    Quantile,
    Query,
    Rate,
    Value,
)

REQUESTS = ":tensorflow:serving:request_count"
LATENCY = ":tensorflow:serving:request_latency"
RUNTIME = ":tensorflow:serving:runtime_latency"
LOADS = ":tensorflow:cc:saved_model:load_attempt_count"
_FINE = tuple(code.name for code in CLIENTS_CODES)


@dataclass(frozen=True)
class Panel:
    """One chart.

    Args:
        title: The question it answers.
        unit: Grafana's name for the unit.
        queries: Queries by legend, in which ``{{label}}`` stands for a label's value.
    """

    title: str
    unit: str
    queries: dict[str, Query]


def legend(text: str, labels: Labels) -> str:
    """Fill in a legend.

    >>> legend("p99 of version {{version}}", (("version", "2"),))
    'p99 of version 2'
    """
    known = dict(labels)
    return re.sub(r"\{\{(\w+)\}\}", lambda match: known.get(match[1], ""), text).strip()


def _quantiles(histogram: str, by: tuple[str, ...], scale: float) -> dict[str, Query]:
    which = " ".join(f"{{{{{label}}}}}" for label in by)
    return {
        f"p{100 * share:g} {which}": Quantile(share, histogram, by, scale) for share in (0.5, 0.99)
    }


# Of TensorFlow Serving's own metrics, whose latencies are in µs.
FAILURES = FailedShare(REQUESTS, "status", _FINE)
SERVER_PANELS = (
    Panel(
        "Requests per second, by outcome",
        "reqps",
        {"{{model_name}} {{status}}": Rate(REQUESTS, ("model_name", "status"))},
    ),
    Panel("Share of requests that the server failed", "percentunit", {"failures": FAILURES}),
    Panel("Latency of requests", "ms", _quantiles(LATENCY, ("model_name", "API"), 1e-3)),
    Panel("Of this, the model itself", "ms", _quantiles(RUNTIME, ("model_name",), 1e-3)),
    Panel(
        "Loads of versions per hour",
        "short",
        {"{{model_path}} {{status}}": Events(LOADS, ("model_path", "status"))},
    ),
)

# Of the exporter's metrics, by version.
VERSION_FAILURES = FailedShare("deployworkbook_requests_total", "code", _FINE)
MODEL_PANELS = (
    Panel(
        "Requests per second, by version",
        "reqps",
        {
            "version {{version}} {{code}}": Rate(
                "deployworkbook_requests_total", ("version", "code")
            )
        },
    ),
    Panel(
        "Latency by version",
        "ms",
        _quantiles("deployworkbook_request_latency_seconds", ("version",), 1e3),
    ),
    Panel(
        "Predicted classes per second",
        "short",
        {"{{predicted}}": Rate("deployworkbook_predictions_total", ("predicted",), "5m")},
    ),
    Panel(
        "Accuracy, estimated without labels",
        "percentunit",
        {"{{model}}": Value("deployworkbook_estimated_accuracy", ("model",))},
    ),
    Panel(
        "Drift: statistic of each detector",
        "short",
        {"{{detector}}": Value("deployworkbook_drift_statistic", ("detector",))},
    ),
    Panel(
        "Drift: alarms per hour",
        "short",
        {"{{detector}}": Events("deployworkbook_drift_alarms_total", ("detector",))},
    ),
)
