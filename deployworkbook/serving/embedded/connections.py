"""Connections of the REST port: limit their number, and the time for sending headers."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from deployworkbook.serving.embedded.framing import StrictConnection
from deployworkbook.serving.embedded.json_text import INDENT

log = logging.getLogger(__name__)

# How many waiting connections to accept before looking at the first.
ACCEPTED_AT_ONCE = 16
# How many refused connections get an explanation at a time; others are closed at once.
MOST_LINGERING = 16
HEADER_SECONDS = 10.0
LINGER_SECONDS = 1.0
LARGEST_HEADERS_BYTES = 16 * 1024
LONGEST_FAULT = 200
_BUSY_BODY = b'{\n    "error": "Too many open connections"\n}'
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(_BUSY_BODY), _BUSY_BODY)
)


class LimitedProtocol(H11Protocol):
    """HTTP/1.1 with a limit on connections, and on the time for a request's headers.

    Args:
        args: Arguments of uvicorn's protocol.
        most: How many connections may be open.
        header_seconds: How long a request's first line and headers may take.
        lingering: Refused connections that are being told why.
        kwargs: Keyword arguments of uvicorn's protocol.
    """

    conn: StrictConnection

    def __init__(
        self,
        *args: Any,
        most: int,
        header_seconds: float,
        lingering: set[LimitedProtocol],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.conn = StrictConnection(LARGEST_HEADERS_BYTES)
        self._most = most
        self._header_seconds = header_seconds
        self._waiting: asyncio.TimerHandle | None = None
        self._lingering = lingering
        self._refused = False

    def connection_made(self, transport: Any) -> None:
        """Accept a connection, or refuse it if there are too many."""
        if len(self.connections) >= self._most:
            self._refused = True
            log.warning("A connection was refused: --max_connections=%d are open", self._most)
            self._refuse(transport)
            return
        super().connection_made(transport)
        self._watch()

    def _refuse(self, transport: Any) -> None:
        if len(self._lingering) >= MOST_LINGERING:
            transport.abort()
            return
        transport.write(_BUSY)
        try:
            # If we closed at once, the client's unread bytes would reset the connection before it
            # could read the reason.
            transport.write_eof()
        except OSError:  # the client has disconnected already
            transport.abort()
            return
        self._lingering.add(self)
        self._waiting = self.loop.call_later(LINGER_SECONDS, transport.abort)

    def data_received(self, data: bytes) -> None:
        """Process data, and time the request's headers."""
        if self._refused:
            return
        super().data_received(data)
        self._watch()

    def send_400_response(self, msg: str) -> None:
        """Answer with what is wrong, unless an answer has begun, and close the connection."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            text = f"{msg} {self.conn.fault[:LONGEST_FAULT]}".strip()
            body = json.dumps({"error": text}, indent=INDENT).encode()
            headers = [
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(body))),
                ("Connection", "close"),
            ]
            for event in (
                h11.Response(status_code=400, headers=headers, reason="Bad Request"),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event))
        if self.cycle is not None:  # the invalid request's
            self.cycle.disconnected = True
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._lingering.discard(self)
        if self._waiting is not None:
            self._waiting.cancel()
        if not self._refused:
            super().connection_lost(exc)

    def _watch(self) -> None:
        idle = self.cycle is None or self.cycle.response_complete
        if idle and self._waiting is None:
            self._waiting = self.loop.call_later(self._header_seconds, self._close)
        elif not idle and self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _close(self) -> None:
        self.transport.close()


def limited(most: int, protocol: Callable[..., LimitedProtocol] = LimitedProtocol) -> Any:
    """Make uvicorn's protocol with a limit on connections."""
    return partial(protocol, most=most, header_seconds=HEADER_SECONDS, lingering=set())
