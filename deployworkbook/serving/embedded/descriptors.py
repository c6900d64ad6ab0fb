"""File descriptors: how many connections the system's limit leaves room for."""

from __future__ import annotations

import logging

import psutil

log = logging.getLogger(__name__)

# For connections just accepted, those that are told that there are too many, and models' files.
SPARE = 48


def affordable_connections(wanted: int, *, ports: int) -> int:
    """Find how many connections each port can take, and raise the soft limit if it is in the way.

    Args:
        wanted: How many each port is to take.
        ports: How many ports there are.

    Returns:
        That many, or as many as the limit of open files allows; at least 1.
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
