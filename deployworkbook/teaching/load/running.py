"""Run a rehearsal until its end or until Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress

from deployworkbook.teaching.load.rehearsal import Rehearsal
from deployworkbook.teaching.load.result import LoadResult


def run_until_stopped(rehearsal: Rehearsal) -> LoadResult:
    """Play a rehearsal; Ctrl-C and SIGTERM end it early, and its servers are stopped all the same.

    Args:
        rehearsal: The class.
    """
    return asyncio.run(_run(rehearsal))


async def _run(rehearsal: Rehearsal) -> LoadResult:
    loop = asyncio.get_running_loop()
    playing = asyncio.create_task(rehearsal.play())
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError, ValueError):  # Windows, or not the main thread
            loop.add_signal_handler(number, playing.cancel)
    return await playing
