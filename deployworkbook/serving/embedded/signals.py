"""The signals that end the server."""

from __future__ import annotations

import signal
import threading


def ending_signals() -> list[signal.Signals]:
    """List the signals that end the server: SIGTERM, SIGINT and, on Unix, SIGHUP.

    If SIGHUP is ignored, it stays ignored: that is what ``nohup`` asks for.
    """
    found = [signal.SIGTERM, signal.SIGINT]
    hang_up = getattr(signal, "SIGHUP", None)  # Windows has none
    if hang_up is not None and signal.getsignal(hang_up) != signal.SIG_IGN:
        found.append(hang_up)
    return found


def set_on_end(stopped: threading.Event) -> None:
    """Set an event when one of the signals arrives."""
    for number in ending_signals():
        signal.signal(number, lambda *_: stopped.set())
