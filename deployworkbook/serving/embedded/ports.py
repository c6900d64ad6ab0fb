"""Ports: taken before the models are loaded, listened on afterwards."""

from __future__ import annotations

import socket

from deployworkbook.serving.embedded.flags import Options


def check_ports(options: Options) -> None:
    """Refuse ports that are taken, before anything slow begins.

    Raises:
        OSError: One is taken, or the address is not this machine's.
    """
    for port in (options.port, options.rest_api_port):
        if port:
            bound(options.host, port).close()


def bound(host: str, port: int) -> socket.socket:
    """Take a port without listening on it yet.

    Raises:
        OSError: It is taken, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, or asyncio would leave Nagle's algorithm on, and each answer wait 40 ms for it.
    taken = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
    except OSError as error:
        taken.close()
        raise OSError(
            f"Port {port} of {host} is not to be had ({error.strerror}). Name another with "
            "--port or --rest_api_port, or stop what listens there."
        ) from error
    return taken
