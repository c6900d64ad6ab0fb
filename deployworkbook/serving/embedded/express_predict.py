"""Answer ordinary predict requests: on the event loop, on a thread, or in a batch."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from deployworkbook.serving.embedded.batching import Batcher
from deployworkbook.serving.embedded.bodies import error_body
from deployworkbook.serving.embedded.budget import Account
from deployworkbook.serving.embedded.errors import ServingError, too_late
from deployworkbook.serving.embedded.express_requests import (
    Array,
    ExpressRequest,
    ExpressRequests,
)
from deployworkbook.serving.embedded.pace import Hop, Pace, Stopwatch
from deployworkbook.serving.embedded.predict import computation, predict_arrays
from deployworkbook.serving.embedded.servable import Servable
from deployworkbook.serving.embedded.threads import Threads

# Sends an answer's status and body; the account holds the body's memory.
Reply = Callable[[int, bytes, Account], None]


class ExpressPredict:
    """Predicts on behalf of connections; all methods are for the event loop's thread.

    Args:
        requests: Reads requests and writes answers.
        threads: Run models that aren't short.
        batcher: Joins requests into batches; ``None`` for no batching.
        within_s: How long a request may take.
    """

    def __init__(
        self,
        requests: ExpressRequests,
        threads: Threads,
        batcher: Batcher | None,
        *,
        within_s: float,
    ) -> None:
        self._requests = requests
        self._threads = threads
        self._batcher = batcher
        self.within_s = within_s
        self.largest_body_bytes = requests.largest_body_bytes
        self._paces: WeakKeyDictionary[Servable, Pace] = WeakKeyDictionary()
        self._hop = Hop()
        self._helps_soon = False

    def answer(self, spec: Any, body: bytes, reply: Reply) -> bool:
        """Answer a request, now or later; return whether it will be answered.

        Args:
            spec: The model that it asks for.
            body: Its body, of up to ``largest_body_bytes``.
            reply: Sends the answer.
        """
        request = self._requests.read(spec, body)
        if request is None:
            return False
        if self._batcher is not None:
            self._join(request, self._batcher, reply)
            return True
        pace = self._paces.get(request.servable)
        if pace is None:
            pace = self._paces[request.servable] = Pace()
        kind = request.signature.name, request.size_bits
        if pace.is_short(kind, self._hop.limit_s) and not self._hop.is_to_be_measured():
            answer = self._run(request, pace)
            request.give_back()
            reply(*answer, request.account)
            request.close()
        else:
            self._hand_over(request, pace, reply)
        return True

    def _run(self, request: ExpressRequest, pace: Pace) -> tuple[int, bytes]:
        watch = Stopwatch()
        answer = self._requests.answer(
            request, lambda: predict_arrays(request.servable, request.signature, request.arrays)
        )
        pace.took((request.signature.name, request.size_bits), watch.seconds())
        return answer

    def _hand_over(self, request: ExpressRequest, pace: Pace, reply: Reply) -> None:
        """Run the model on a thread, and reply when it is done, or too late."""
        pending = _Pending(request, reply, self.within_s)
        given_s = time.perf_counter()

        def run() -> None:
            began_s = time.perf_counter()
            answer = _NONE if pending.replied else self._run(request, pace)
            request.give_back()
            pending.on_loop(finish, answer, began_s, time.perf_counter())

        def finish(answer: tuple[int, bytes], began_s: float, ended_s: float) -> None:
            self._hop.took(began_s - given_s + time.perf_counter() - ended_s)
            pending.finish(answer)

        self._threads.submit(run)

    def _join(self, request: ExpressRequest, batcher: Batcher, reply: Reply) -> None:
        """Let the request wait for a batch; those that came with it will run with it."""
        pending = _Pending(request, reply, self.within_s)
        try:
            aliases, feeds, fetches, values = computation(request.signature, request.arrays)
        except ServingError as error:
            self._finish_batched(request, pending, error)
            return

        def done(results: list[Array] | None, error: Exception | None) -> None:
            outputs = error or dict(zip(aliases, results or [], strict=True))
            self._finish_batched(request, pending, outputs)

        try:
            request.servable.submit("Predict", feeds, fetches, values, done)
        except ServingError as error:
            self._finish_batched(request, pending, error)
            return
        if not self._helps_soon:
            self._helps_soon = True
            asyncio.get_running_loop().call_soon(self._help, batcher)

    def _finish_batched(
        self, request: ExpressRequest, pending: _Pending, outputs: Mapping[str, Array] | Exception
    ) -> None:
        def compute() -> Mapping[str, Array]:
            if isinstance(outputs, Exception):
                raise outputs
            return outputs

        def finish(answer: tuple[int, bytes], ended_s: float, thread: int) -> None:
            if thread != threading.get_ident():
                # The way back, and about as much for the way there.
                self._hop.took(2 * (time.perf_counter() - ended_s))
            pending.finish(answer)

        answer = self._requests.answer(request, compute)
        request.give_back()
        pending.on_loop(finish, answer, time.perf_counter(), threading.get_ident())

    def _help(self, batcher: Batcher) -> None:
        self._helps_soon = False
        batcher.help(within_s=0.0 if self._hop.is_to_be_measured() else self._hop.limit_s)


_NONE = 0, b""


class _Pending:
    """A request that is answered later, or in time told that it is too late."""

    def __init__(self, request: ExpressRequest, reply: Reply, within_s: float) -> None:
        self._request = request
        self._reply = reply
        self._within_s = within_s
        self.replied = False
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._timer = self._loop.call_later(within_s, self._give_up)

    def on_loop(self, act: Callable[..., None], *arguments: Any) -> None:
        """Make a call on the event loop's thread."""
        if threading.get_ident() == self._thread:
            act(*arguments)
            return
        with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody waits
            self._loop.call_soon_threadsafe(act, *arguments)

    def finish(self, answer: tuple[int, bytes]) -> None:
        """Send an answer, unless it is too late, and return the request's memory."""
        self._timer.cancel()
        self._send(answer)
        self._request.close()

    def _give_up(self) -> None:
        self._request.account.cancel()
        late = too_late(self._within_s)
        self._send((late.http_status, error_body(late.text)))

    def _send(self, answer: tuple[int, bytes]) -> None:
        if not self.replied:
            self.replied = True
            self._reply(*answer, self._request.account)
