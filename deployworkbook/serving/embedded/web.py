"""Put the parts of the REST port together."""

from __future__ import annotations

import uvicorn

from deployworkbook.serving.embedded import connections
from deployworkbook.serving.embedded.batching import Batcher
from deployworkbook.serving.embedded.budget import MemoryBudget
from deployworkbook.serving.embedded.express import Lane, express
from deployworkbook.serving.embedded.express_predict import ExpressPredict
from deployworkbook.serving.embedded.express_requests import ExpressRequests
from deployworkbook.serving.embedded.flags import Options
from deployworkbook.serving.embedded.metrics import Metrics
from deployworkbook.serving.embedded.rest import CORS, Rest
from deployworkbook.serving.embedded.service import Service
from deployworkbook.serving.embedded.threads import Threads


def web_server(
    service: Service,
    options: Options,
    metrics: Metrics,
    budget: MemoryBudget,
    batcher: Batcher | None,
    *,
    metrics_path: str | None,
) -> uvicorn.Server:
    """Make the server of the REST port.

    Args:
        service: Answers the requests.
        options: Limits.
        metrics: Counts the requests.
        budget: Memory for requests.
        batcher: Joins requests into batches; ``None`` for no batching.
        metrics_path: The path of the metrics page; ``None`` for no page.
    """
    threads = Threads(options.max_concurrent_requests, "rest")
    rest = Rest(service, options, budget, threads, metrics_path=metrics_path)
    predict = ExpressPredict(
        ExpressRequests(service, metrics, budget),
        threads,
        batcher,
        within_s=options.rest_api_timeout_in_ms / 1000,
    )
    lane = Lane(predict, CORS if options.rest_api_enable_cors_support else {})
    settings = uvicorn.Config(
        rest,
        http=express(lane, options.max_connections),
        backlog=connections.ACCEPTED_AT_ONCE,
        ws="none",
        lifespan="off",
        loop="auto",  # uvloop where it is installed: not on Windows
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=max(1, int(options.drain_seconds)),
        h11_max_incomplete_event_size=connections.LARGEST_HEADERS_BYTES,
    )
    return uvicorn.Server(settings)
