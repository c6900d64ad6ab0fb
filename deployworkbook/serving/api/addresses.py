"""Addresses of servers: hosts and ports, IPv6 literals among them."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from deployworkbook.validation import message


def bare_host(host: str) -> str:
    """Take the brackets from an IPv6 literal; any other host is returned as it is.

    >>> bare_host("[::1]"), bare_host("::1"), bare_host("localhost")
    ('::1', '::1', 'localhost')
    """
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def host_and_port(host: str, port: int) -> str:
    """Join a host and a port; an IPv6 literal gets the brackets that keep them apart.

    >>> host_and_port("127.0.0.1", 8500), host_and_port("::1", 8500), host_and_port("[::1]", 80)
    ('127.0.0.1:8500', '[::1]:8500', '[::1]:80')
    """
    bare = bare_host(host)
    return f"[{bare}]:{port}" if ":" in bare else f"{bare}:{port}"


def split_address(address: str) -> tuple[str, int]:
    """Split ``HOST:PORT`` into the host, without brackets, and the port.

    Args:
        address: An IPv6 literal in it stands in brackets: ``[::1]:8500``.

    Raises:
        ValueError: It has no host or no port, or more than these.

    >>> split_address("localhost:8500"), split_address("[::1]:8500")
    (('localhost', 8500), ('::1', 8500))
    """
    try:
        parts = urlsplit(f"//{address}")
        host, port = parts.hostname, parts.port
    except ValueError:  # brackets that don't match, or a port that is no number below 65536
        host, port = None, None
    if not host or port is None or parts.netloc != address or "@" in address:
        raise ValueError(
            message(
                "address",
                received=repr(address),
                expected="HOST:PORT, such as 127.0.0.1:8500 or [::1]:8500",
            )
        )
    return host, port


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine, by its name or number; nothing is looked up.

    >>> [is_loopback(host) for host in ("127.0.0.1", "localhost", "[::1]", "10.0.0.1", "a.org")]
    [True, True, True, False, False]
    """
    bare = bare_host(host).lower()
    if bare == "localhost":
        return True
    try:
        number = ipaddress.ip_address(bare)
    except ValueError:
        return False
    return (getattr(number, "ipv4_mapped", None) or number).is_loopback
