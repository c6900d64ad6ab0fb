"""Background work in a notebook: Interrupt reaches it, and its progress shows in a cell.

JupyterLab delivers clicks to a thread of their own (a subshell), and the kernel's Interrupt goes to
the main thread, which ignores it unless a cell runs there.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import FrameType
from typing import Any

from IPython.core.getipython import get_ipython
from IPython.display import display


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop of this thread; ``None`` if there is none."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def on_interrupt(act: Callable[[], object]) -> Callable[[], AbstractContextManager[None]]:
    """Prepare for work in another thread, during which the kernel's Interrupt calls ``act``.

    Signals can be handled only in the main thread, so call this there, in a cell. Without a running
    event loop, or in another thread, it does nothing.

    Args:
        act: Function that Interrupt calls, in the main thread.

    Returns:
        A function that makes a context for the work, which any thread can enter.
    """
    loop = running_loop()
    if loop is None or threading.current_thread() is not threading.main_thread():
        return nullcontext
    before: list[Any] = []

    def handle(number: int, frame: FrameType | None) -> None:
        act()

    def begin() -> None:
        before.append(signal.signal(signal.SIGINT, handle))

    def end() -> None:
        if before and signal.getsignal(signal.SIGINT) is handle:
            signal.signal(signal.SIGINT, before.pop())

    @contextmanager
    def context() -> Iterator[None]:
        before.clear()
        loop.call_soon_threadsafe(begin)
        try:
            yield
        finally:
            loop.call_soon_threadsafe(end)

    return context


@contextmanager
def in_cell(widget: Any) -> Iterator[None]:
    """Show a widget in the output of the running cell, while the block runs.

    Args:
        widget: Widget to show; nothing is shown if it is ``None``, or outside a kernel.
    """
    if widget is None or getattr(get_ipython(), "kernel", None) is None:
        yield
        return
    handle = display(widget, display_id=True)
    try:
        yield
    finally:
        handle.update({"text/plain": ""}, raw=True)
