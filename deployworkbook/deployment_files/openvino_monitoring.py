"""What to watch at OpenVINO Model Server: queries of Prometheus' alerts and Grafana's dashboard."""

from __future__ import annotations

from deployworkbook.deployment_files.dashboard import JOB, SHARED, Panel, Watch
from deployworkbook.monitoring.counting import share

_GOOD, _BAD = "ovms_requests_success", "ovms_requests_fail"

_LATENCY = "ovms_request_time_us"

FAILURES = share([_BAD], [_GOOD, _BAD], "5m")


def quantile_ms(share: float, *, by: str, metric: str = _LATENCY) -> str:
    """Write the query for a quantile of latency, in ms; the server counts µs.

    >>> quantile_ms(0.5, by="model_name")
    'histogram_quantile(0.5, sum by (le, name) (rate(ovms_request_time_us_bucket[5m]))) / 1000'
    """
    label = by.replace("model_name", "name")
    return f"histogram_quantile({share:g}, sum by (le, {label}) (rate({metric}_bucket[5m]))) / 1000"


PANELS = (
    Panel(
        "Requests per second, by outcome",
        "reqps",
        {
            "{{name}} answered": f"sum by (name) (rate({_GOOD}[1m]))",
            "{{name}} failed": f"sum by (name) (rate({_BAD}[1m]))",
        },
    ),
    Panel("Share of requests that failed", "percentunit", {"failures": FAILURES}),
    Panel(
        "Latency of requests",
        "ms",
        {
            "p50 {{name}} {{interface}}": quantile_ms(0.5, by="model_name, interface"),
            "p99 {{name}} {{interface}}": quantile_ms(0.99, by="model_name, interface"),
        },
    ),
    Panel(
        "Of this, the model itself",
        "ms",
        {
            f"{label} {{{{name}}}}": quantile_ms(
                share, by="model_name", metric="ovms_inference_time_us"
            )
            for label, share in (("p50", 0.5), ("p99", 0.99))
        },
    ),
    Panel("Requests at once", "short", {"{{name}}": "sum by (name) (ovms_current_requests)"}),
    *SHARED,
)

WATCH = Watch(
    failed=(_BAD,),
    requests=(_GOOD, _BAD),
    # It has no counter of versions that could not be loaded.
    broken="",
    quantile_ms=quantile_ms,
    buckets=f"{_LATENCY}_bucket",
    panels=PANELS,
    answered_series=f'{_GOOD}{{job="{JOB}",name="digits"}}',
    failed_series=f'{_BAD}{{job="{JOB}",name="digits"}}',
)
