"""Whether an address is this machine's own."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name or number; nothing is looked up.

    >>> [is_loopback(host) for host in ("127.0.0.1", "localhost", "[::1]", "10.0.0.1", "a.org")]
    [True, True, True, False, False]
    """
    bare = host.strip("[]").lower()
    if bare == "localhost":
        return True
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return False
