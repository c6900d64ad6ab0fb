"""Make the client for an address."""

from __future__ import annotations

from deployworkbook.serving.api.addresses import read_endpoint
from deployworkbook.serving.client.base import DEFAULT_DEADLINE_S, Client
from deployworkbook.serving.client.grpc import GrpcClient
from deployworkbook.serving.client.rest import RestClient


def connect(address: str, *, deadline_s: float = DEFAULT_DEADLINE_S) -> Client:
    """Make a client; its first call opens the connection.

    Args:
        address: ``HOST:PORT`` for gRPC; ``http://HOST:PORT`` or ``https://…`` for REST. IPv6
            goes in brackets: ``[::1]:8500``.
        deadline_s: How long a call may take, including retries and look-ups.

    Raises:
        TypeError: The address is not a string.
        ValueError: The address has neither form.

    >>> connect("127.0.0.1:8500"), connect("http://127.0.0.1:8501")
    (GrpcClient('127.0.0.1:8500'), RestClient('http://127.0.0.1:8501'))
    """
    if read_endpoint(address).is_rest:
        return RestClient(address, deadline_s=deadline_s)
    return GrpcClient(address, deadline_s=deadline_s)
