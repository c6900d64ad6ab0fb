"""A relay between a client and a server on this machine, which counts the bytes."""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import replace

from deployworkbook.serving.api.addresses import is_loopback, read_endpoint
from deployworkbook.validation import value_error

_CHUNK_BYTES = 2**16


class CountingRelay:
    """Listen on a free port, forward everything unchanged, and count bytes in both directions.

    ``sent_bytes`` and ``received_bytes`` are the client's; ``connections`` is how many it opened.
    The counts include all that TCP carries: bodies, headers, and the frames around them.

    Args:
        address: The server's address on this machine, ``HOST:PORT`` or ``http://HOST:PORT``.

    Raises:
        ValueError: The address is another machine's, has another form, or lacks a port.

    >>> with CountingRelay("http://127.0.0.1:8501") as relay:
    ...     relay.address.startswith("http://127.0.0.1:"), relay.sent_bytes
    (True, 0)
    """

    def __init__(self, address: str) -> None:
        endpoint = read_endpoint(address)
        if not is_loopback(endpoint.host) or endpoint.port is None:
            expected = "an address of this machine with a port, such as 127.0.0.1:8500"
            raise value_error("address", received=repr(address), expected=expected)
        self._server = (endpoint.host, endpoint.port)
        self.connections = 0
        self.sent_bytes = 0
        self.received_bytes = 0
        self._counting = threading.Lock()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.address = replace(endpoint, host="127.0.0.1", port=port).address
        threading.Thread(target=self._accept, daemon=True).start()

    def reset(self) -> None:
        """Start counting from 0 again, for example once the connection is open."""
        with self._counting:
            self.sent_bytes = self.received_bytes = 0

    def close(self) -> None:
        """Close all connections and stop listening."""
        for each in (self._listener, *self._open):
            # Closing a socket doesn't wake the thread waiting on it; shutting it down does.
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def __enter__(self) -> CountingRelay:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed
            self._open.append(client)
            try:
                server = socket.create_connection(self._server)
            except OSError:
                client.close()
                continue
            self._open.append(server)
            self.connections += 1
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            ways = ((client, server, "sent_bytes"), (server, client, "received_bytes"))
            for way in ways:
                threading.Thread(target=self._pass_on, args=way, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, counter: str) -> None:
        with contextlib.suppress(OSError):
            while content := source.recv(_CHUNK_BYTES):
                with self._counting:
                    setattr(self, counter, getattr(self, counter) + len(content))
                target.sendall(content)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)
