"""TLS in front of the REST port's connections, with limits on handshakes.

A connection reaches its protocol only once its handshake is done, but counts from the start: each
takes a file descriptor before anybody has asked anything.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from functools import partial
from typing import Any

from deployworkbook.serving.embedded.bodies import error_body

log = logging.getLogger(__name__)

HANDSHAKE_SECONDS = 10.0
# How long a connection that is closed here waits for the client to close it, too. A client that
# keeps an idle one may never look, and must not hold up a server that ends.
GOODBYE_SECONDS = 0.5
# The type of a TLS record that holds a handshake (RFC 8446, section 5.1).
_HANDSHAKE = 0x16
_PLAIN_BODY = error_body("This port speaks TLS: write https:// instead of http://")
_PLAIN = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(_PLAIN_BODY), _PLAIN_BODY)
)


class Handshake(asyncio.Protocol):
    """A connection until its handshake is done.

    Args:
        make: Makes the protocol of the connection.
        context: TLS settings.
        connections: All connections of the port.
        most: How many of them there may be.
        seconds: How long a handshake may take.
    """

    def __init__(
        self,
        make: Callable[[], asyncio.Protocol],
        context: ssl.SSLContext,
        connections: set[Any],
        most: int,
        seconds: float,
    ) -> None:
        self._make = make
        self._context = context
        self._connections = connections
        self._most = most
        self._seconds = seconds
        self._transport: Any = None
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._early = bytearray()

    def connection_made(self, transport: Any) -> None:
        """Wait for the client, or drop the connection if there are too many."""
        self._transport = transport
        if len(self._connections) >= self._most:
            log.warning("A connection was dropped: --max_connections=%d are open", self._most)
            transport.abort()
            return
        self._connections.add(self)
        self._timer = asyncio.get_running_loop().call_later(self._seconds, transport.abort)

    def data_received(self, data: bytes) -> None:
        """Begin the handshake with the first bytes; later, keep what comes right behind it."""
        if self._task is not None:
            self._early += data
        elif data[0] == _HANDSHAKE:
            self._transport.pause_reading()
            self._task = asyncio.get_running_loop().create_task(self._shake_hands(data))
        else:
            self._transport.write(_PLAIN)
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()

    def shutdown(self) -> None:
        """Drop the connection, since the server ends."""
        self._transport.abort()

    async def _shake_hands(self, first: bytes) -> None:
        loop, transport = asyncio.get_running_loop(), self._transport
        shaking = loop.create_task(
            loop.start_tls(
                transport,
                self,
                self._context,
                server_side=True,
                ssl_handshake_timeout=self._seconds,
                ssl_shutdown_timeout=GOODBYE_SECONDS,
            )
        )
        # The task runs now, and puts TLS in front of this protocol on the loop's next turn. Behind
        # that, and before the loop reads on, TLS gets the bytes that have come here.
        await asyncio.sleep(0)
        loop.call_soon(_pass_on, transport, first)
        try:
            secure: Any = await shaking
        except OSError as error:
            peer = (transport.get_extra_info("peername") or ("a client",))[0]
            reason = getattr(error, "reason", None) or str(error) or type(error).__name__
            log.warning("TLS handshake with %s failed: %s", peer, reason)
            transport.abort()
            return
        finally:
            self.connection_lost(None)
        if secure is None or secure.is_closing():
            return
        protocol = self._make()
        secure.set_protocol(protocol)
        protocol.connection_made(secure)
        if self._early:
            protocol.data_received(bytes(self._early))


def _pass_on(transport: Any, data: bytes) -> None:
    """Give bytes to the protocol of a transport as if they had just been read."""
    protocol = transport.get_protocol()
    while data:
        room = protocol.get_buffer(len(data))
        size = min(len(room), len(data))
        room[:size] = data[:size]
        protocol.buffer_updated(size)
        data = data[size:]


def behind_tls(
    make: Callable[..., asyncio.Protocol],
    context: ssl.SSLContext,
    *,
    most: int,
    seconds: float = HANDSHAKE_SECONDS,
) -> Any:
    """Make uvicorn's protocol, which gets only connections whose handshake is done.

    Args:
        make: Makes the protocol behind it.
        context: TLS settings.
        most: How many connections the port may have, including those with handshakes.
        seconds: How long each handshake may take.
    """

    def begin(**given: Any) -> Handshake:
        connections = given["server_state"].connections
        return Handshake(partial(make, **given), context, connections, most, seconds)

    return begin
