"""Bind ports before the models are loaded; listen on them afterwards."""

from __future__ import annotations

import errno
import socket

from deployworkbook.serving.api.addresses import bare_host, host_and_port
from deployworkbook.serving.embedded.flags import Options


def check_ports(options: Options) -> None:
    """Refuse ports that are taken, before anything slow begins.

    Raises:
        OSError: A port is taken, or the address isn't this machine's.
    """
    for port in (options.port, options.rest_api_port):
        if port:
            bound(options.host, port).close()


def bound(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Bind a port without listening on it yet.

    Args:
        host: The address.
        port: The port.
        shared: Let other processes of this user bind it too, if they also say so.

    Raises:
        OSError: The port is taken, or the address isn't this machine's.
    """
    host = bare_host(host)
    try:
        families = {found[0] for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
        family = socket.AF_INET if socket.AF_INET in families else socket.AF_INET6
        # IPPROTO_TCP must be explicit. Otherwise asyncio leaves Nagle's algorithm on, which delays
        # each answer by 40 ms.
        taken = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if shared:
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            taken.bind((host, port))
        except OSError:
            taken.close()
            raise
    except OSError as error:
        raise OSError(refusal(host, port, error)) from error
    return taken


def refusal(host: str, port: int, error: OSError) -> str:
    """Explain why the server can't listen on an address, and what to do.

    >>> print(refusal("::1", 8500, OSError(errno.EADDRINUSE, "Address already in use")))
    Can't listen on [::1]:8500: Address already in use. Name another port with --port or \
--rest_api_port, or stop what listens there.
    """
    address = host_and_port(host, port)
    if error.errno == errno.EADDRINUSE:
        remedy = "Name another port with --port or --rest_api_port, or stop what listens there."
    elif error.errno == errno.EACCES:
        remedy = "Name a port from 1024 on with --port or --rest_api_port."
    else:
        remedy = "Name an address of this machine with --host, such as 127.0.0.1 or ::1."
    return f"Can't listen on {address}: {error.strerror or error}. {remedy}"
