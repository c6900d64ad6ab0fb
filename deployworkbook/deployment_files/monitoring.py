"""What watches a server: Prometheus, its alerts, and a dashboard of the same questions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deployworkbook.deployment_files.container import SERVICE
from deployworkbook.serving.api.server_files import METRICS_PATH
from deployworkbook.serving.launcher.backends import REST_PORT

DATASOURCE = "prometheus"
JOB = "model-server"
# What the alerts promise: an answer within 100 ms, 99 times in 100, and 1 failure in 100 at most.
OBJECTIVE_MS = 100
OBJECTIVE_FAILURES = 0.01

_REQUESTS = ":tensorflow:serving:request_count"
_LATENCY = ":tensorflow:serving:request_latency_bucket"
_RUNTIME = ":tensorflow:serving:runtime_latency_bucket"
_LOADS = ":tensorflow:cc:saved_model:load_attempt_count"

# A client's mistake is no failure of the server, and an unknown model is mostly one.
_CLIENTS = "OK|INVALID_ARGUMENT|NOT_FOUND|FAILED_PRECONDITION|OUT_OF_RANGE|UNIMPLEMENTED|CANCELLED"
FAILURES = (
    f'(sum(rate({_REQUESTS}{{status!~"{_CLIENTS}"}}[5m])) or vector(0)) / '
    f"sum(rate({_REQUESTS}[5m]))"
)


def quantile_ms(share: float, *, by: str, metric: str = _LATENCY) -> str:
    """Write the query of a latency's quantile, in ms; the server counts µs.

    >>> quantile_ms(0.5, by="API")
    'histogram_quantile(0.5, sum by (le, API) (rate(:tensorflow:serving:request_latency_bucket\
[5m]))) / 1000'
    """
    return f"histogram_quantile({share:g}, sum by (le, {by}) (rate({metric}[5m]))) / 1000"


@dataclass(frozen=True)
class Panel:
    """One chart of the dashboard.

    Args:
        title: The question that it answers.
        unit: Grafana's name of the unit.
        queries: PromQL by legend.
    """

    title: str
    unit: str
    queries: dict[str, str]


PANELS = (
    Panel(
        "Requests a second, by outcome",
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
        "Loads of versions in an hour",
        "short",
        {"{{model_path}} {{status}}": f"increase({_LOADS}[1h])"},
    ),
    Panel("Servers that answer", "short", {"servers": f'sum(up{{job="{JOB}"}})'}),
)


def prometheus() -> dict[str, Any]:
    """Describe what Prometheus reads, and how often."""
    return {
        "global": {"scrape_interval": "5s", "evaluation_interval": "15s"},
        "rule_files": ["alerts.yaml"],
        "scrape_configs": [
            {
                "job_name": JOB,
                "metrics_path": METRICS_PATH,
                "static_configs": [{"targets": [f"{SERVICE}:{REST_PORT}"]}],
            }
        ],
    }


def alerts() -> dict[str, Any]:
    """Describe what Prometheus calls an alarm."""
    slow = quantile_ms(0.99, by="model_name")
    return {
        "groups": [
            {
                "name": "serving",
                "rules": [
                    _alert(
                        "ServerDown", f'up{{job="{JOB}"}} == 0', "1m", "No metrics can be read."
                    ),
                    _alert(
                        "RequestsFail",
                        f"{FAILURES} > {OBJECTIVE_FAILURES:g}",
                        "5m",
                        "The server fails more than {{ $value | humanizePercentage }} of requests.",
                    ),
                    _alert(
                        "RequestsSlow",
                        f"{slow} > {OBJECTIVE_MS}",
                        "5m",
                        "1 request in 100 takes more than {{ $value | humanize }} ms.",
                    ),
                    _alert(
                        "VersionDoesNotLoad",
                        f'increase({_LOADS}{{status!="success"}}[10m]) > 0',
                        "0m",
                        "A version at {{ $labels.model_path }} could not be loaded.",
                    ),
                ],
            }
        ]
    }


def datasources() -> dict[str, Any]:
    """Describe where Grafana reads."""
    return {
        "apiVersion": 1,
        "datasources": [
            {
                "name": "Prometheus",
                "uid": DATASOURCE,
                "type": "prometheus",
                "access": "proxy",
                "url": "http://prometheus:9090",
                "isDefault": True,
                "editable": False,
            }
        ],
    }


def dashboard_providers() -> dict[str, Any]:
    """Describe where Grafana finds dashboards."""
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": "deployworkbook",
                "type": "file",
                "disableDeletion": True,
                "allowUiUpdates": False,
                "options": {"path": "/var/lib/dashboards"},
            }
        ],
    }


def dashboard() -> dict[str, Any]:
    """Describe the dashboard: two charts a row."""
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


def _alert(name: str, expression: str, lasting: str, summary: str) -> dict[str, Any]:
    return {
        "alert": name,
        "expr": expression,
        "for": lasting,
        "labels": {"severity": "page" if name == "ServerDown" else "ticket"},
        "annotations": {"summary": summary},
    }
