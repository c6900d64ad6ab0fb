"""What to watch at TensorFlow Serving: queries of Prometheus' alerts and Grafana's dashboard."""

from __future__ import annotations

from deployworkbook.deployment_files.dashboard import JOB, Panel, Watch
from deployworkbook.monitoring.counting import events, share
from deployworkbook.monitoring.outcomes import CLIENTS_PATTERN

_REQUESTS = ":tensorflow:serving:request_count"
_LATENCY = ":tensorflow:serving:request_latency_bucket"
_RUNTIME = ":tensorflow:serving:runtime_latency_bucket"
LOADS = ":tensorflow:cc:saved_model:load_attempt_count"

FAILED = f'{_REQUESTS}{{status!~"{CLIENTS_PATTERN}"}}'
BROKEN = f'{LOADS}{{status!="success"}}'
FAILURES = share([FAILED], [_REQUESTS], "5m")


def quantile_ms(share: float, *, by: str, metric: str = _LATENCY) -> str:
    """Write the query for a quantile of latency, in ms; the server counts µs.

    >>> quantile_ms(0.5, by="API")
    'histogram_quantile(0.5, sum by (le, API) (rate(:tensorflow:serving:request_latency_bucket\
[5m]))) / 1000'
    """
    return f"histogram_quantile({share:g}, sum by (le, {by}) (rate({metric}[5m]))) / 1000"


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
        {"{{model_path}} {{status}}": events(LOADS, "1h")},
    ),
    Panel("Servers that answer", "short", {"servers": f'sum(up{{job="{JOB}"}})'}),
)

WATCH = Watch(
    failed=(FAILED,),
    requests=(_REQUESTS,),
    broken=BROKEN,
    quantile_ms=quantile_ms,
    buckets=_LATENCY,
    panels=PANELS,
    answered_series=f'{_REQUESTS}{{job="{JOB}",model_name="digits",status="OK"}}',
    failed_series=f'{_REQUESTS}{{job="{JOB}",model_name="digits",status="INTERNAL"}}',
)
