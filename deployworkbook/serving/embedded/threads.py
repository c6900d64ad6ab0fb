"""Threads that take over calls of the REST port, for callers that wait on the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class Call:
    """A call that a thread has taken over, or will."""

    __slots__ = ("_act", "_arguments", "_callbacks", "_lock")

    def __init__(self, act: Callable[..., object], arguments: tuple[Any, ...]) -> None:
        self._act = act
        self._arguments = arguments
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[Call], object]] | None = []

    def add_done_callback(self, callback: Callable[[Call], object]) -> None:
        """Call a function when this call has ended; at once if it already has."""
        with self._lock:
            if self._callbacks is not None:
                self._callbacks.append(callback)
                return
        callback(self)

    def run(self) -> None:
        """Make the call; log what it raises."""
        try:
            self._act(*self._arguments)
        except Exception:
            log.exception("A call failed")
        with self._lock:
            callbacks, self._callbacks = self._callbacks, None
        self._arguments = ()  # the thread may sleep for long before it forgets this call
        for callback in callbacks or ():
            callback(self)


class Threads:
    """Up to so many threads; the one that has been idle for longest takes the next call.

    Args:
        most: How many calls may run at once; others wait in the order in which they came.
        name: Prefix of the threads' names.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._lock = threading.Lock()
        self._idle: deque[_Thread] = deque()
        self._waiting: deque[Call] = deque()
        self._count = 0

    def submit(self, act: Callable[..., object], /, *arguments: Any) -> Call:
        """Make a call on one of the threads."""
        call = Call(act, arguments)
        with self._lock:
            if self._idle:
                self._idle.popleft().wake(call)
            elif self._count < self._most:
                self._count += 1
                _Thread(self, call, f"{self._name}_{self._count}").start()
            else:
                self._waiting.append(call)
        return call

    async def result(self, act: Callable[[], Answer]) -> Answer:
        """Make a call on one of the threads and wait for its result, without blocking the loop.

        If the waiting task is cancelled, a call that hasn't begun is dropped.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()

        def make() -> None:
            if future.cancelled():
                return
            try:
                answer = act()
            except BaseException as error:
                _tell(loop, _fail, future, error)
            else:
                _tell(loop, _succeed, future, answer)

        self.submit(make)
        return await future

    def close(self) -> None:
        """End the threads that have nothing to do."""
        with self._lock:
            for thread in self._idle:
                thread.wake(None)
            self._idle.clear()

    def next_for(self, thread: _Thread) -> Call | None:
        """Return the call that has waited longest; without one, note that a thread is idle."""
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._idle.append(thread)
        return thread.sleep()


class _Thread(threading.Thread):
    def __init__(self, threads: Threads, call: Call, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._threads = threads
        self._call: Call | None = call
        self._woken = threading.Lock()
        self._woken.acquire()

    def wake(self, call: Call | None) -> None:
        """Give it a call; ``None`` ends it."""
        self._call = call
        self._woken.release()

    def sleep(self) -> Call | None:
        """Wait for a call."""
        self._woken.acquire()
        call, self._call = self._call, None
        return call

    def run(self) -> None:
        """Make calls until there are no more."""
        call, self._call = self._call, None
        while call is not None:
            call.run()
            call = self._threads.next_for(self)


def _tell(loop: asyncio.AbstractEventLoop, act: Callable[..., object], *arguments: Any) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody waits
        loop.call_soon_threadsafe(act, *arguments)


def _succeed(future: asyncio.Future[Any], answer: Any) -> None:
    if not future.done():
        future.set_result(answer)


def _fail(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
