"""Send load to a server and measure it from outside, with an open or a closed loop.

An open loop sends requests at times fixed beforehand, whatever the server does, like independent
users. A closed loop has a fixed number of users, each of whom waits for an answer before the next
request, so it sends less to a slow server.

**No coordinated omission.** In an open loop, a request's latency counts from when it was due, not
from when it was sent. If the server stalls for a second, all requests due in that second are late,
and each counts with its whole wait, even if the generator had no free connection to send it on.

**Where it runs.** Threads in a separate process send requests that are serialized beforehand; of an
answer, only the version is decoded. Generator and server still share this machine's processors, so
the server alone could do more than is measured. A Python process sends a few thousand requests per
second; ``LoadResult.lateness_ms`` shows whether it kept up.

**Limits.** Only addresses of this machine are accepted. A load ends at the latest after its
duration plus twice the deadline of its requests, or after 1,000,000 requests.
"""

from __future__ import annotations

from array import array

from deployworkbook.serving.load.arrivals import POISSON, arrival_times
from deployworkbook.serving.load.engine import LoadPlan
from deployworkbook.serving.load.process import RunningLoad
from deployworkbook.serving.load.result import LoadResult
from deployworkbook.serving.load.target import LoadTarget
from deployworkbook.validation import check_integer, check_number

LONGEST_S = 600.0
MOST_REQUESTS = 1_000_000
MOST_CLIENTS = 256


def start_open_loop(
    target: LoadTarget,
    rate_per_s: float,
    *,
    seconds: float,
    pattern: str = POISSON,
    seed: int = 0,
    max_requests: int = 100_000,
    connections: int = 64,
) -> RunningLoad:
    """Start an open loop and return at once, for example to publish a version meanwhile.

    Args:
        target: The server and the requests.
        rate_per_s: Requests per second, on average.
        seconds: Duration in seconds, up to 600.
        pattern: ``poisson`` or ``constant``.
        seed: Random seed of the arrivals.
        max_requests: Maximum number of requests, up to 1,000,000.
        connections: Maximum number of concurrent requests, up to 256.

    Returns:
        The running load; ``wait()`` returns its result.

    Raises:
        TypeError: An argument isn't a number.
        ValueError: A number is out of range, or the pattern is unknown.
    """
    length = check_number("seconds", seconds, 0, LONGEST_S, open_low=True)
    most = check_integer("max_requests", max_requests, 1, MOST_REQUESTS)
    times = arrival_times(rate_per_s, length, pattern=pattern, seed=seed, max_requests=most)
    lines = check_integer("connections", connections, 1, MOST_CLIENTS)
    lines = min(lines, max(1, len(times)))
    plan = LoadPlan(array("d", times), lines, length, most, 0.0, float(rate_per_s))
    return RunningLoad(plan, target)


def open_loop(
    target: LoadTarget,
    rate_per_s: float,
    *,
    seconds: float,
    pattern: str = POISSON,
    seed: int = 0,
    max_requests: int = 100_000,
    connections: int = 64,
) -> LoadResult:
    """Send requests at a fixed rate, whatever the server does; return the result.

    Arguments and errors are those of ``start_open_loop``.

    Args:
        target: The server and the requests.
        rate_per_s: Requests per second, on average.
        seconds: Duration in seconds, up to 600.
        pattern: ``poisson`` or ``constant``.
        seed: Random seed of the arrivals.
        max_requests: Maximum number of requests, up to 1,000,000.
        connections: Maximum number of concurrent requests, up to 256.
    """
    return start_open_loop(
        target,
        rate_per_s,
        seconds=seconds,
        pattern=pattern,
        seed=seed,
        max_requests=max_requests,
        connections=connections,
    ).wait()


def start_closed_loop(
    target: LoadTarget,
    clients: int,
    *,
    seconds: float,
    think_s: float = 0.0,
    max_requests: int = 100_000,
) -> RunningLoad:
    """Start a closed loop and return at once.

    Args:
        target: The server and the requests.
        clients: Number of users, each of whom waits for an answer before the next request; up to
            256.
        seconds: Duration in seconds, up to 600.
        think_s: How long each waits between an answer and the next request, in seconds.
        max_requests: Maximum number of requests, up to 1,000,000.

    Returns:
        The running load; ``wait()`` returns its result.

    Raises:
        TypeError: An argument isn't a number.
        ValueError: A number is out of range.
    """
    length = check_number("seconds", seconds, 0, LONGEST_S, open_low=True)
    most = check_integer("max_requests", max_requests, 1, MOST_REQUESTS)
    lines = check_integer("clients", clients, 1, MOST_CLIENTS)
    think = check_number("think_s", think_s, 0, LONGEST_S)
    return RunningLoad(LoadPlan(None, lines, length, most, think), target)


def closed_loop(
    target: LoadTarget,
    clients: int,
    *,
    seconds: float,
    think_s: float = 0.0,
    max_requests: int = 100_000,
) -> LoadResult:
    """Let a fixed number of users send one request after another; return the result.

    Arguments and errors are those of ``start_closed_loop``.

    Args:
        target: The server and the requests.
        clients: Number of users, each of whom waits for an answer before the next request; up to
            256.
        seconds: Duration in seconds, up to 600.
        think_s: How long each waits between an answer and the next request, in seconds.
        max_requests: Maximum number of requests, up to 1,000,000.
    """
    return start_closed_loop(
        target, clients, seconds=seconds, think_s=think_s, max_requests=max_requests
    ).wait()
