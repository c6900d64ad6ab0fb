"""Filter log messages that a learner can't act on from the lab's terminal.

JupyterLab's server warns about every unsigned lesson and about two of its own time limits that
don't match, and logs a traceback when a tab is closed during a transfer. Everything else is still
printed.
"""

from __future__ import annotations

import logging

from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError

LOGGERS = ("ServerApp", "LabApp", "asyncio", "tornado.general", "tornado.application")

# Parts of such messages.
ROUTINE = (
    "is not trusted",  # a lesson that hasn't been run here yet
    "websocket_ping_timeout",  # jupyter-server's own default exceeds tornado's limit
)


class ActionableOnly(logging.Filter):
    """Pass a record unless it is routine or about a closed tab."""

    def __init__(self) -> None:
        super().__init__()
        self._is_following = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to print a record."""
        error = record.exc_info[1] if record.exc_info else None
        message = record.getMessage()
        if _is_of_a_closed_tab(error):
            self._is_following = True
            return False
        # The failed request's headers and status follow as separate records.
        if self._is_following and message.startswith("{"):
            return False
        if self._is_following and message.startswith("500 GET /api/kernels/"):
            self._is_following = False
            return False
        return not any(part in message for part in ROUTINE)


def _is_of_a_closed_tab(error: BaseException | None) -> bool:
    if isinstance(error, StreamClosedError | WebSocketClosedError):
        return True
    # The tab was closed while its kernel started: jupyter-server then uses a connection that no
    # longer exists.
    return isinstance(error, AttributeError) and error.name == "kernel_ws_protocol"


def quieten() -> None:
    """Hide routine messages of the server that this process will start."""
    for name in LOGGERS:
        logging.getLogger(name).addFilter(ActionableOnly())
