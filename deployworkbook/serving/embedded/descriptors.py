"""Limit connections to what the system's limit of open files allows."""

from __future__ import annotations

import logging

import psutil

log = logging.getLogger(__name__)

# For connections just accepted or about to be refused, and for models' files.
SPARE = 48


def affordable_connections(wanted: int, *, ports: int) -> int:
    """Return how many connections each port can have; raise the soft limit if necessary.

    Args:
        wanted: The wanted number of connections per port.
        ports: The number of ports.

    Returns:
        The wanted number, or what the limit of open files allows; at least 1.
    """
    try:
        import resource  # Windows has none, and no such limit
    except ImportError:
        return wanted
    used = psutil.Process().num_fds()
    needed = used + SPARE + ports * wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        raised = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
        soft = raised
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return wanted
    most: int = max(1, (soft - used - SPARE) // ports)
    log.warning(
        "--max_connections=%d: each port takes %d connections, since this process may open %d "
        "files (ulimit -n). With %d it would take all.",
        wanted,
        most,
        soft,
        needed,
    )
    return most
