"""Grafana's dashboard, and the objectives of the alerts, whatever server is watched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from deployworkbook.monitoring.objectives import ratio_name
from deployworkbook.monitoring.panels import Panel as Shown

DATASOURCE = "prometheus"
JOB = "model-server"
# The objectives behind the alerts: 99 in 100 answers within 100 ms, 999 in 1,000 without failure.
OBJECTIVE_MS = 100
OBJECTIVE_ANSWERED = 0.999


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


def _burn(window: str) -> str:
    return f"{ratio_name(window)} / {1 - OBJECTIVE_ANSWERED:.6g}"


# Whatever server it is; the shares of failures are recorded by the alerts' rules.
SHARED = (
    Panel(
        "Error budget: how many times too fast it is used up",
        "short",
        {"last hour": _burn("1h"), "last 5 minutes": _burn("5m")},
    ),
    Panel("Servers that answer", "short", {"servers": f'sum(up{{job="{JOB}"}})'}),
)


@dataclass(frozen=True)
class Watch:
    """What to ask Prometheus about one kind of server.

    Args:
        failed: Counters of requests that the server failed.
        requests: Counters of all requests.
        broken: Counter of versions that couldn't be loaded; empty if the server has none.
        quantile_ms: Writes the query for a quantile of latency per model, in ms.
        buckets: The histogram behind it.
        panels: The dashboard's charts.
        answered_series: A series of answered requests, for the alerts' unit tests.
        failed_series: A series of failed ones.
    """

    failed: tuple[str, ...]
    requests: tuple[str, ...]
    broken: str
    quantile_ms: Callable[..., str]
    buckets: str
    panels: tuple[Panel, ...]
    answered_series: str
    failed_series: str


def written(panels: Sequence[Shown]) -> tuple[Panel, ...]:
    """Write panels' queries as PromQL.

    Args:
        panels: What to show.
    """
    return tuple(
        Panel(
            panel.title,
            panel.unit,
            {legend: query.promql() for legend, query in panel.queries.items()},
        )
        for panel in panels
    )


def dashboard(
    panels: Sequence[Panel], *, uid: str = "serving", title: str = "Model server"
) -> dict[str, Any]:
    """Describe a dashboard: two charts per row."""
    source = {"type": "prometheus", "uid": DATASOURCE}
    return {
        "uid": f"deployworkbook-{uid}",
        "title": title,
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
            for place, panel in enumerate(panels)
        ],
    }
