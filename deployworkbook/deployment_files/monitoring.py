"""What to watch: the queries of Prometheus' alerts and Grafana's dashboard, and their limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

DATASOURCE = "prometheus"
JOB = "model-server"
# The objectives behind the alerts: 99 in 100 answers within 100 ms, at most 1 failure in 100.
OBJECTIVE_MS = 100
OBJECTIVE_FAILURES = 0.01

_REQUESTS = ":tensorflow:serving:request_count"
_LATENCY = ":tensorflow:serving:request_latency_bucket"
_RUNTIME = ":tensorflow:serving:runtime_latency_bucket"
LOADS = ":tensorflow:cc:saved_model:load_attempt_count"

# A client's mistake isn't the server's failure; asking for an unknown model is mostly a mistake.
_CLIENTS = "OK|INVALID_ARGUMENT|NOT_FOUND|FAILED_PRECONDITION|OUT_OF_RANGE|UNIMPLEMENTED|CANCELLED"
FAILURES = (
    f'(sum(rate({_REQUESTS}{{status!~"{_CLIENTS}"}}[5m])) or vector(0)) / '
    f"sum(rate({_REQUESTS}[5m]))"
)


def quantile_ms(share: float, *, by: str, metric: str = _LATENCY) -> str:
    """Write the query for a quantile of latency, in ms; the server counts µs.

    >>> quantile_ms(0.5, by="API")
    'histogram_quantile(0.5, sum by (le, API) (rate(:tensorflow:serving:request_latency_bucket\
[5m]))) / 1000'
    """
    return f"histogram_quantile({share:g}, sum by (le, {by}) (rate({metric}[5m]))) / 1000"


@dataclass(frozen=True)
class Panel:
    """One chart of the dashboard.

    Args:
        title: The question it answers.
        unit: Grafana's name for the unit.
        queries: PromQL by legend.
    """

    title: str
    unit: str
    queries: dict[str, str]


PANELS = (
    Panel(
        "Requests per second, by outcome",
        "reqps",
        {"{{model_name}} {{status}}": f"sum by (model_name, status) (rate({_REQUESTS}[1m]))"},
    ),
    Panel("Share of requests that the server failed", "percentunit", {"failures": FAILURES}),
    Panel(
        "Latency of requests",
        "ms",
        {
            "p50 {{model_name}} {{API}}": quantile_ms(0.5, by="model_name, API"),
            "p99 {{model_name}} {{API}}": quantile_ms(0.99, by="model_name, API"),
        },
    ),
    Panel(
        "Of this, the model itself",
        "ms",
        {
            "p50 {{model_name}}": quantile_ms(0.5, by="model_name", metric=_RUNTIME),
            "p99 {{model_name}}": quantile_ms(0.99, by="model_name", metric=_RUNTIME),
        },
    ),
    Panel(
        "Loads of versions per hour",
        "short",
        {"{{model_path}} {{status}}": f"increase({LOADS}[1h])"},
    ),
    Panel("Servers that answer", "short", {"servers": f'sum(up{{job="{JOB}"}})'}),
)


def dashboard() -> dict[str, Any]:
    """Describe the dashboard: two charts per row."""
    source = {"type": "prometheus", "uid": DATASOURCE}
    return {
        "uid": "deployworkbook-serving",
        "title": "Model server",
        "tags": ["deployworkbook"],
        "timezone": "browser",
        "schemaVersion": 39,
        "refresh": "10s",
        "time": {"from": "now-30m", "to": "now"},
        "panels": [
            {
                "id": place + 1,
                "type": "timeseries",
                "title": panel.title,
                "datasource": source,
                "gridPos": {"x": 12 * (place % 2), "y": 8 * (place // 2), "w": 12, "h": 8},
                "fieldConfig": {
                    "defaults": {"unit": panel.unit, "min": 0},
                    "overrides": [],
                },
                "targets": [
                    {
                        "refId": chr(65 + n),
                        "datasource": source,
                        "expr": query,
                        "legendFormat": name,
                    }
                    for n, (name, query) in enumerate(panel.queries.items())
                ],
            }
            for place, panel in enumerate(PANELS)
        ],
    }
