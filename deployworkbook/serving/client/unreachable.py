"""Servers that can't be reached: why, and what to do about it."""

from __future__ import annotations

import errno
import http.client
import socket
import ssl
from enum import Enum

from deployworkbook.serving.api.codes import Code
from deployworkbook.serving.client.errors import RequestError

_PORTS = (
    "look at the port: gRPC and REST have one each, 8500 and 8501 in TensorFlow Serving's container"
)


class Cause(Enum):
    """Why there was no answer, and what to do."""

    NAME = (
        "that host name can't be resolved",
        "Check the spelling, or use an IP address.",
    )
    REFUSED = (
        "nothing listens on that port",
        "Start a server: deployworkbook serve --port=8500 --rest_api_port=8501 "
        f"--model_name=NAME --model_base_path=/FOLDER/OF/VERSIONS. If one runs, {_PORTS}.",
    )
    NO_ROUTE = (
        "this machine has no route to that host",
        "Check the IP address, this machine's network and its VPN.",
    )
    SILENT = (
        "no connection was made in time",
        "Check the address; a firewall may drop the packets. If the network is slow, allow more "
        "time with deadline_s=….",
    )
    TLS = (
        "the TLS handshake failed",
        "If the server has no TLS, use http:// instead of https://, or no credentials. If it has, "
        "this machine must trust its certificate.",
    )
    WANTS_TLS = (
        "the server there wants TLS",
        "Write https:// instead of http:// for REST, and pass its CA's certificate: "
        "tls=Path('ca.pem').",
    )
    OTHER_PROTOCOL = (
        "the server there speaks another protocol",
        f"If it is a model server, {_PORTS}.",
    )
    CLOSED = (
        "the connection was closed before an answer came",
        f"The server may have stopped: look at its log. If it runs, {_PORTS}; or it wants TLS.",
    )
    OTHER = (
        "the connection failed",
        f"Check that the server runs, and {_PORTS}.",
    )


# Parts of gRPC's error messages, from several releases; the first match counts.
_WORDINGS = {
    Cause.TLS: ("handshake failed", "ssl_error", "certificate"),
    Cause.NAME: ("errors resolving", "dns resolution failed", "lookup failed", "name not found"),
    Cause.OTHER_PROTOCOL: ("http1.x", "failed parsing http/2"),
    Cause.REFUSED: ("connection refused",),
    Cause.NO_ROUTE: ("no route to host", "unreachable", "invalid argument"),
    Cause.SILENT: ("timed out", "timeout"),
    Cause.CLOSED: ("reset by peer", "socket closed", "stream removed", "goaway", "broken pipe"),
}
_NO_ROUTE_NUMBERS = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EINVAL)


def cause_of_text(said: str) -> Cause:
    """Find the cause from gRPC's error message.

    >>> cause_of_text("errors resolving tfserving:8500: Domain name not found").name
    'NAME'
    """
    low = said.lower()
    for cause, wordings in _WORDINGS.items():
        if any(wording in low for wording in wordings):
            return cause
    return Cause.OTHER


def cause_of(error: Exception) -> Cause:
    """Find the cause from an exception of a socket, TLS or HTTP.

    >>> cause_of(ConnectionRefusedError()).name
    'REFUSED'
    """
    match error:
        case socket.gaierror() | UnicodeError():
            return Cause.NAME
        case ssl.SSLError():
            return Cause.TLS
        case ConnectionRefusedError():
            return Cause.REFUSED
        case TimeoutError():
            return Cause.SILENT
        case ConnectionError():  # http.client.RemoteDisconnected, too
            return Cause.CLOSED
        case OSError() if error.errno in _NO_ROUTE_NUMBERS:
            return Cause.NO_ROUTE
        case http.client.IncompleteRead():
            return Cause.CLOSED
        case http.client.HTTPException():
            return Cause.OTHER_PROTOCOL
    return Cause.OTHER


def unreachable(
    address: str, cause: Cause, details: str = "", *, code: Code = Code.UNAVAILABLE
) -> RequestError:
    """Make the error for a server that can't be reached.

    Args:
        address: The server's address.
        cause: Why it can't be reached.
        details: The message of gRPC or of the system; left out if the cause says it all.
        code: ``DEADLINE_EXCEEDED`` if time ran out first.

    >>> print(unreachable("tfserving:8500", Cause.NAME))
    UNAVAILABLE: no answer from tfserving:8500: that host name can't be resolved. Check the \
spelling, or use an IP address.
    """
    what, remedy = cause.value
    said = f"no answer from {address}: {what}"
    if details and cause not in (Cause.NAME, Cause.REFUSED):
        said = f"{said} ({details})"
    return RequestError(code, said, remedy)
