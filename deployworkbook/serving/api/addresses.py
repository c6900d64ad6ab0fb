"""Server addresses: hosts and ports, including IPv6."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from deployworkbook.validation import describe, type_error, value_error


def bare_host(host: str) -> str:
    """Remove the brackets of an IPv6 address; return any other host unchanged.

    >>> bare_host("[::1]"), bare_host("::1"), bare_host("localhost")
    ('::1', '::1', 'localhost')
    """
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def host_and_port(host: str, port: int) -> str:
    """Join a host and a port; put an IPv6 address in brackets.

    >>> host_and_port("127.0.0.1", 8500), host_and_port("::1", 8500), host_and_port("[::1]", 80)
    ('127.0.0.1:8500', '[::1]:8500', '[::1]:80')
    """
    bare = bare_host(host)
    return f"[{bare}]:{port}" if ":" in bare else f"{bare}:{port}"


def split_address(address: str) -> tuple[str, int]:
    """Split ``HOST:PORT`` into the host, without brackets, and the port.

    Args:
        address: The address; IPv6 goes in brackets: ``[::1]:8500``.

    Raises:
        ValueError: The host or the port is missing, or there is more than these.

    >>> split_address("localhost:8500"), split_address("[::1]:8500")
    (('localhost', 8500), ('::1', 8500))
    """
    try:
        parts = urlsplit(f"//{address}")
        host, port = parts.hostname, parts.port
    except ValueError:  # unbalanced brackets, or a port that isn't a number below 65536
        host, port = None, None
    if not host or port is None or parts.netloc != address or "@" in address:
        raise value_error(
            "address",
            received=repr(address),
            expected="HOST:PORT, such as 127.0.0.1:8500 or [::1]:8500",
        )
    return host, port


@dataclass(frozen=True)
class Endpoint:
    """A server's address and protocol.

    Args:
        is_rest: Whether it is REST; otherwise gRPC.
        host: The host's name or IP address, without brackets.
        port: The port; for REST, ``None`` means the scheme's default, 80 or 443.
        is_tls: Whether the connection is encrypted (``https://``).
        path: The path before ``/v1``, for REST; usually empty.
    """

    is_rest: bool
    host: str
    port: int | None
    is_tls: bool = False
    path: str = ""

    @property
    def address(self) -> str:
        """The address as text, which ``read_endpoint`` reads."""
        place = self.host if self.port is None else host_and_port(self.host, self.port)
        if not self.is_rest:
            return place
        if self.port is None and ":" in self.host:
            place = f"[{self.host}]"
        return f"http{'s' if self.is_tls else ''}://{place}{self.path}"


def read_endpoint(address: str) -> Endpoint:
    """Parse a server's address, gRPC or REST.

    Args:
        address: ``HOST:PORT`` or ``grpc://HOST:PORT`` for gRPC; ``http://HOST:PORT`` or
            ``https://HOST:PORT`` for REST, with a path in front of ``/v1`` if there is one.

    Raises:
        TypeError: The address is not a string.
        ValueError: The address has none of these forms.

    >>> read_endpoint("[::1]:8500").host, read_endpoint("http://[::1]:8501").address
    ('::1', 'http://[::1]:8501')
    """
    expected = "HOST:PORT for gRPC, such as 127.0.0.1:8500, or http://HOST:PORT for REST"
    if not isinstance(address, str):
        raise type_error("address", received=describe(address), expected=expected)
    scheme, separator, place = address.rpartition("://")
    endpoint, remedy = None, ""
    if scheme in ("http", "https"):
        endpoint = _read_url(address)
    elif scheme == "grpc" or not separator:
        endpoint, remedy = _read_place(place), _hint(place)
    elif scheme.lower() in ("http", "https", "grpc"):
        remedy = f"Write {scheme.lower()}:// in lower case."
    if endpoint is None or endpoint.port == 0 or any(letter.isspace() for letter in address):
        raise value_error("address", received=repr(address), expected=expected, remedy=remedy)
    return endpoint


def _read_place(place: str) -> Endpoint | None:
    try:
        return Endpoint(False, *split_address(place))
    except ValueError:
        return None


def _read_url(address: str) -> Endpoint | None:
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:  # unbalanced brackets, or a port that isn't a number below 65536
        return None
    if not host or "@" in parts.netloc or parts.query or parts.fragment:
        return None
    return Endpoint(True, host, port, parts.scheme == "https", parts.path.rstrip("/"))


def _hint(place: str) -> str:
    if place.count(":") > 1 and "[" not in place:
        return "Put an IPv6 address in brackets: [::1]:8500."
    return "" if ":" in place or not place else f"Add the port: {place}:8500."


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine; look only at the name or IP address.

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
