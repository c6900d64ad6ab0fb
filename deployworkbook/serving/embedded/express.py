"""The way of ordinary predict requests: from the socket to the model and back, without detours.

A request whose head is ordinary and whose body is small is answered here. All others, and those
that come while one of them is unfinished, go to h11 and ``rest`` as they came, byte for byte.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any

from deployworkbook.serving.embedded.bodies import PIECE_BYTES, error_body, too_slow
from deployworkbook.serving.embedded.budget import Account
from deployworkbook.serving.embedded.connections import (
    LARGEST_HEADERS_BYTES,
    LimitedProtocol,
    limited,
)
from deployworkbook.serving.embedded.express_predict import ExpressPredict
from deployworkbook.serving.embedded.heads import Head, Heads

_END = b"\r\n\r\n"


class Lane:
    """What the connections of a port share.

    Args:
        predict: Answers the requests.
        headers: Headers of each answer.
        heads: Reads the heads of requests.
    """

    def __init__(
        self, predict: ExpressPredict, headers: dict[str, str], heads: Heads | None = None
    ) -> None:
        self.predict = predict
        self.heads = heads or Heads(LARGEST_HEADERS_BYTES)
        self._headers = {"content-type": "application/json", **headers}
        self._given: object = None
        self._starts: dict[int, bytes] = {}

    def head(self, status: int, size_bytes: int, given: list[tuple[bytes, bytes]]) -> bytes:
        """Write the head of an answer.

        Args:
            status: The HTTP status.
            size_bytes: The body's length.
            given: The server's own headers, in a new list when they change.
        """
        if given is not self._given:
            self._given = given
            self._starts.clear()
        start = self._starts.get(status)
        if start is None:
            lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
            lines += [f"{name.decode()}: {value.decode()}" for name, value in given]
            lines += [f"{name}: {value}" for name, value in self._headers.items()]
            start = self._starts[status] = "\r\n".join([*lines, "content-length: "]).encode()
        return b"%b%d\r\n\r\n" % (start, size_bytes)


class ExpressProtocol(LimitedProtocol):
    """A connection whose ordinary predict requests take the short way.

    Args:
        args: Arguments of ``LimitedProtocol``.
        lane: What the connections share.
        kwargs: Keyword arguments of ``LimitedProtocol``.
    """

    def __init__(self, *args: Any, lane: Lane, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lane = lane
        self._head: Head | None = None  # of a request whose body is incomplete
        self._received = bytearray()
        self._body_start = 0
        self._answering = False
        self._leaving = False
        self._idle_since = 0.0
        self._timer: asyncio.TimerHandle | None = None  # for a body, or while nothing happens

    def data_received(self, data: bytes) -> None:
        """Answer an ordinary request; leave all else to h11."""
        if self._answering:
            self._received += data
            self.flow.pause_reading()
        elif self._head is not None:
            self._received += data
            self._continue(self._head)
        elif self._refused or not self.conn.is_between_requests or self.flow.write_paused:
            self._leave_to_h11(data)
        else:
            self._begin(data)

    def _leave_to_h11(self, data: bytes) -> None:
        super().data_received(data)
        if self._leaving:  # h11 is told only now
            super().shutdown()

    def _begin(self, data: bytes) -> None:
        end = data.find(_END)
        head = self._lane.heads.read(data[: end + len(_END)]) if end > 0 else None
        if head is None or head.body_bytes > self._lane.predict.largest_body_bytes:
            self._leave_to_h11(data)
            return
        self._unset_keepalive_if_required()
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        size = end + len(_END) + head.body_bytes
        if len(data) == size:
            self._answer(head, data, end + len(_END))
            return
        self._head = head
        self._received += data
        self._body_start = end + len(_END)
        self._set_timer(self._lane.predict.within_s, self._body_is_late)
        self._continue(head)

    def _continue(self, head: Head) -> None:
        size = self._body_start + head.body_bytes
        if len(self._received) < size:
            return
        data = bytes(self._received)
        self._received.clear()
        self._head = None
        self._unset_timer()
        if len(data) == size:
            self._answer(head, data, self._body_start)
        else:  # the client doesn't wait for answers
            self._leave_to_h11(data)

    def _answer(self, head: Head, data: bytes, start: int) -> None:
        self._answering = True
        if not self._lane.predict.answer(head.spec, data[start:], self._reply):
            self._answering = False
            self._leave_to_h11(data)

    def _reply(self, status: int, body: bytes, account: Account) -> None:
        """Send an answer; further ones wait until it is sent."""
        transport = self.transport
        if transport.is_closing():
            return
        head = self._lane.head(status, len(body), self.server_state.default_headers)
        if len(body) > PIECE_BYTES:
            account.__enter__()
            task = self.loop.create_task(self._send_in_pieces(head, body, account))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
            return
        transport.write(head + body)
        self._end()

    async def _send_in_pieces(self, head: bytes, body: bytes, account: Account) -> None:
        """Send a long answer no faster than its client reads, so that it isn't buffered twice."""
        try:
            async with asyncio.timeout(self._lane.predict.within_s):
                self.transport.write(head)
                for start in range(0, len(body), PIECE_BYTES):
                    await self.flow.drain()
                    if self.transport.is_closing():
                        return
                    self.transport.write(body[start : start + PIECE_BYTES])
        except TimeoutError:  # its client doesn't read
            self.transport.abort()
            return
        finally:
            account.__exit__(None, None, None)
        self._end()

    def _end(self) -> None:
        """Be ready for the connection's next request."""
        self._answering = False
        self.server_state.total_requests += 1
        if self._leaving:
            self.transport.close()
            return
        self._idle_since = self.loop.time()
        if self._timer is None:
            self._set_timer(self.timeout_keep_alive, self._close_if_idle)
        if self._received:
            data = bytes(self._received)
            self._received.clear()
            self.flow.resume_reading()
            self.loop.call_soon(self._go_on, data)

    def _go_on(self, data: bytes) -> None:
        if not self.transport.is_closing():
            self.data_received(data)

    def shutdown(self) -> None:
        """Close the connection; if a request is being answered, after its answer."""
        self._leaving = True
        if not self._answering and self._head is None:
            super().shutdown()

    def on_response_complete(self) -> None:
        """Note when an answer of h11's was complete."""
        self._idle_since = self.loop.time()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._unset_timer()
        super().connection_lost(exc)

    def _body_is_late(self) -> None:
        error = too_slow(self._lane.predict.within_s)
        body = error_body(error.text)
        head = self._lane.head(error.status, len(body), self.server_state.default_headers)
        self.transport.write(head.replace(b"\r\n", b"\r\nconnection: close\r\n", 1) + body)
        self.transport.close()

    def _close_if_idle(self) -> None:
        self._timer = None
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        busy = self._answering or not self.conn.is_between_requests
        if left > 0 or busy:
            self._set_timer(self.timeout_keep_alive if busy else left, self._close_if_idle)
        else:
            self.transport.close()

    def _set_timer(self, seconds: float, act: Any) -> None:
        self._unset_timer()
        self._timer = self.loop.call_later(seconds, act)

    def _unset_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def express(
    lane: Lane, most: int, protocol: Callable[..., ExpressProtocol] = ExpressProtocol
) -> Any:
    """Make uvicorn's protocol, with the short way and a limit on connections."""
    return limited(most, partial(protocol, lane=lane))
