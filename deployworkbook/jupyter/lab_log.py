"""What the lab's terminal leaves out: messages that ask nothing of a learner.

JupyterLab's server warns of each lesson that is not signed, of two of its own time limits that
don't match, and logs a traceback when a tab is closed while something is still being sent to it.
Everything else is still printed.
"""

from __future__ import annotations

import logging

from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError

LOGGERS = ("ServerApp", "LabApp", "asyncio", "tornado.general", "tornado.application")

# Parts of messages that no learner can act on.
ROUTINE = (
    "is not trusted",  # a lesson that was not run here yet
    "websocket_ping_timeout",  # jupyter-server's own default exceeds tornado's limit
)


class ActionableOnly(logging.Filter):
    """Lets a record through unless it is routine or tells of a tab that was closed."""

    def __init__(self) -> None:
        super().__init__()
        self._is_following = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether to print a record."""
        error = record.exc_info[1] if record.exc_info else None
        message = record.getMessage()
        if _is_of_a_closed_tab(error):
            self._is_following = True
            return False
        # The failed request's headers and status come next, as records of their own.
        if self._is_following and message.startswith("{"):
            return False
        if self._is_following and message.startswith("500 GET /api/kernels/"):
            self._is_following = False
            return False
        return not any(part in message for part in ROUTINE)


def _is_of_a_closed_tab(error: BaseException | None) -> bool:
    if isinstance(error, StreamClosedError | WebSocketClosedError):
        return True
    # A tab that is closed while its kernel starts: jupyter-server then looks at a connection that
    # is gone already.
    return isinstance(error, AttributeError) and error.name == "kernel_ws_protocol"


def quieten() -> None:
    """Leave routine messages out of the terminal of the server that this process will start."""
    for name in LOGGERS:
        logging.getLogger(name).addFilter(ActionableOnly())
