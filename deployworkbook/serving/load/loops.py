"""Load on a server, measured from outside: by an open loop, by a closed one, and as a curve.

An open loop sends requests at moments set beforehand, whatever the server does: as users do who
know nothing of each other. A closed loop has a fixed number of users, each of whom waits for an
answer before asking again: so it asks less of a server that is slow.

**No coordinated omission.** An open loop's latency counts from the moment at which a request was
meant to be sent, not from when it was. A server that stalls for a second delays all requests due in
that second, and each of them counts with all that it has waited, also where the generator had no
free connection to send it on.

**Where it runs.** Threads of a process of its own send the requests, whose bytes are written
beforehand; answers are not decoded but for the version. On one machine generator and server share
the processors all the same: what is measured is less than the server alone could do. A Python
process sends some thousands a second; ``LoadResult.lateness_ms`` says whether it kept up.

**Bounds.** Only this machine's addresses are accepted. A load ends after its time plus twice its
requests' deadline, and after 1,000,000 requests, at the latest.
"""

from __future__ import annotations

from collections.abc import Iterable

from deployworkbook.serving.load.arrivals import POISSON, arrival_times
from deployworkbook.serving.load.engine import LoadPlan
from deployworkbook.serving.load.process import RunningLoad
from deployworkbook.serving.load.result import LoadResult
from deployworkbook.serving.load.target import LoadTarget
from deployworkbook.validation import check_integer, check_number, value_error

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
    """Start an open loop and go on, for example to publish a version meanwhile.

    Args:
        target: Where to send what.
        rate_per_s: Requests a second, on average.
        seconds: How long, up to 600.
        pattern: ``poisson`` or ``constant``.
        seed: Of the arrivals.
        max_requests: The most, up to 1,000,000.
        connections: How many requests may be under way at once, up to 256.

    Returns:
        The load; ``wait()`` gives its result.

    Raises:
        TypeError: A number is none.
        ValueError: A number is out of range, or the pattern unknown.
    """
    length = check_number("seconds", seconds, 0, LONGEST_S, open_low=True)
    most = check_integer("max_requests", max_requests, 1, MOST_REQUESTS)
    times = arrival_times(rate_per_s, length, pattern=pattern, seed=seed, max_requests=most)
    lines = check_integer("connections", connections, 1, MOST_CLIENTS)
    return RunningLoad(
        LoadPlan(times, min(lines, max(1, len(times))), length, most, 0.0, float(rate_per_s)),
        target,
    )


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
    """Send requests at a rate, whatever the server does; wait for the result.

    Arguments and errors are those of ``start_open_loop``.

    Args:
        target: Where to send what.
        rate_per_s: Requests per second, on average.
        seconds: How long, up to 600.
        pattern: ``poisson`` or ``constant``.
        seed: Random seed of the arrivals.
        max_requests: The most, up to 1,000,000.
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
    """Start a closed loop and go on.

    Args:
        target: Where to send what.
        clients: Users, each of whom waits for an answer before asking again; up to 256.
        seconds: How long, up to 600.
        think_s: How long each waits between an answer and the next request.
        max_requests: The most, up to 1,000,000.

    Returns:
        The load; ``wait()`` gives its result.

    Raises:
        TypeError: A number is none.
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
    """Let a number of users ask one request after the other; wait for the result.

    Arguments and errors are those of ``start_closed_loop``.

    Args:
        target: Where to send what.
        clients: Users, each of whom waits for an answer before asking again; up to 256.
        seconds: How long, up to 600.
        think_s: How long each waits between an answer and the next request, in seconds.
        max_requests: The most, up to 1,000,000.
    """
    return start_closed_loop(
        target, clients, seconds=seconds, think_s=think_s, max_requests=max_requests
    ).wait()


def throughput_latency_curve(
    target: LoadTarget,
    *,
    rates_per_s: Iterable[float] = (),
    clients: Iterable[int] = (),
    seconds: float = 2.0,
    seed: int = 0,
) -> list[LoadResult]:
    """Measure a server at one load after the other.

    An open loop's curve ends at the first rate that the server does not hold: beyond it latency
    says how long was measured, and nothing of the server.

    Args:
        target: Where to send what.
        rates_per_s: Rates of open loops, ascending; or
        clients: numbers of users of closed loops.
        seconds: How long each load lasts.
        seed: Of the arrivals.

    Raises:
        TypeError: A number is none.
        ValueError: A number is out of range, or there are both rates and clients, or neither.
    """
    rates, users = list(rates_per_s), list(clients)
    if bool(rates) == bool(users):
        received = "both" if rates else "neither"
        raise value_error("curve", received=received, expected="rates_per_s or clients")
    results = [closed_loop(target, count, seconds=seconds) for count in users]
    for rate in rates:
        results.append(open_loop(target, rate, seconds=seconds, seed=seed))
        if results[-1].is_saturated:
            break
    return results
