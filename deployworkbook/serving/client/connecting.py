"""Make the client for an address."""

from __future__ import annotations

import warnings
from pathlib import Path

from deployworkbook.serving.api.addresses import is_loopback, read_endpoint
from deployworkbook.serving.client.base import DEFAULT_DEADLINE_S, Client
from deployworkbook.serving.client.grpc import GrpcClient
from deployworkbook.serving.client.rest import RestClient
from deployworkbook.serving.security.tokens import token_of
from deployworkbook.serving.security.trust import Tls, trust_of
from deployworkbook.validation import value_error


def connect(
    address: str,
    *,
    deadline_s: float = DEFAULT_DEADLINE_S,
    tls: Tls | None = None,
    token: str | Path | None = None,
) -> Client:
    """Make a client; its first call opens the connection.

    Args:
        address: ``HOST:PORT`` for gRPC; ``http://HOST:PORT`` or ``https://…`` for REST. IPv6
            goes in brackets: ``[::1]:8500``.
        deadline_s: How long a call may take, including retries and look-ups.
        tls: Whom to trust, which encrypts the connection: the path of the CA's certificate; the
            result of ``make_certificates``; or a ``Trust``. Without it, ``https://`` trusts whom
            this machine trusts, and gRPC isn't encrypted.
        token: The token that the server wants, or as a ``Path`` the file that holds it.

    Raises:
        FileNotFoundError: A file of ``tls`` or ``token`` doesn't exist.
        TypeError: The address is not a string, or an argument is something else.
        ValueError: The address has neither form, or is ``http://`` with ``tls``; or a file holds
            no certificate or no token.

    >>> connect("127.0.0.1:8500"), connect("http://127.0.0.1:8501")
    (GrpcClient('127.0.0.1:8500'), RestClient('http://127.0.0.1:8501'))
    """
    endpoint = read_endpoint(address)
    trust = None if tls is None else trust_of(tls)
    if endpoint.is_rest and not endpoint.is_tls and trust is not None:
        expected = "https://HOST:PORT, since tls is given"
        raise value_error("address", received=repr(address), expected=expected)
    secret = None if token is None else token_of(token)
    is_encrypted = endpoint.is_tls or trust is not None
    if secret is not None and not is_encrypted and not is_loopback(endpoint.host):
        warnings.warn(
            f"The token goes to {address} unencrypted: whoever sees the network's packets can use "
            "it. If the server has TLS, pass tls=….",
            stacklevel=2,
        )
    kind = RestClient if endpoint.is_rest else GrpcClient
    return kind(address, deadline_s=deadline_s, trust=trust, token=secret)
