"""What to watch at TensorFlow Serving: queries of Prometheus' alerts and Grafana's dashboard."""

from __future__ import annotations

from deployworkbook.deployment_files.dashboard import JOB, SHARED, Watch, written
from deployworkbook.monitoring import panels

_REQUESTS = panels.REQUESTS
_LATENCY = f"{panels.LATENCY}_bucket"
FAILED = panels.FAILURES.selector
BROKEN = f'{panels.LOADS}{{status!="success"}}'


def quantile_ms(share: float, *, by: str) -> str:
    """Write the query for a quantile of latency, in ms; the server counts µs.

    >>> quantile_ms(0.5, by="API")
    'histogram_quantile(0.5, sum by (le, API) (rate(:tensorflow:serving:request_latency_bucket\
[5m]))) / 1000'
    """
    return f"histogram_quantile({share:g}, sum by (le, {by}) (rate({_LATENCY}[5m]))) / 1000"


PANELS = (*written(panels.SERVER_PANELS), *SHARED)

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
