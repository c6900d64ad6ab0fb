"""Put the parts of the REST port together."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from functools import partial

import uvicorn
from starlette.types import ASGIApp

from deployworkbook.serving.embedded import connections
from deployworkbook.serving.embedded.batching import Batcher
from deployworkbook.serving.embedded.budget import MemoryBudget
from deployworkbook.serving.embedded.express import ExpressProtocol, Lane, express
from deployworkbook.serving.embedded.express_predict import ExpressPredict
from deployworkbook.serving.embedded.express_requests import ExpressRequests
from deployworkbook.serving.embedded.flags import Options
from deployworkbook.serving.embedded.guard import Guard
from deployworkbook.serving.embedded.guarded_rest import (
    GuardedHeads,
    GuardedProtocol,
    GuardedRest,
)
from deployworkbook.serving.embedded.handshakes import behind_tls
from deployworkbook.serving.embedded.heads import Heads
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
    guard: Guard | None = None,
    tls: ssl.SSLContext | None = None,
) -> uvicorn.Server:
    """Make the server of the REST port.

    Args:
        service: Answers the requests.
        options: Limits.
        metrics: Counts the requests.
        budget: Memory for requests.
        batcher: Joins requests into batches; ``None`` for no batching.
        metrics_path: The path of the metrics page; ``None`` for no page.
        guard: Admits requests; ``None`` to admit all.
        tls: TLS settings; ``None`` for no TLS.
    """
    threads = Threads(options.max_concurrent_requests, "rest")
    app: ASGIApp = Rest(service, options, budget, threads, metrics_path=metrics_path)
    predict = ExpressPredict(
        ExpressRequests(service, metrics, budget),
        threads,
        batcher,
        within_s=options.rest_api_timeout_in_ms / 1000,
    )
    headers = CORS if options.rest_api_enable_cors_support else {}
    heads: Heads | None = None
    protocol: Callable[..., ExpressProtocol] = ExpressProtocol
    if guard is not None:
        app = GuardedRest(app, guard, headers)
        heads = GuardedHeads(connections.LARGEST_HEADERS_BYTES, guard)
        protocol = partial(GuardedProtocol, guard=guard)
    http = express(Lane(predict, headers, heads), options.max_connections, protocol)
    settings = uvicorn.Config(
        app,
        http=http if tls is None else behind_tls(http, tls, most=options.max_connections),
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
