"""Limit log lines that clients can cause: log the first of each kind, then a count per minute."""

from __future__ import annotations

import logging
import re
import threading

SECONDS = 60
_MOST_KINDS = 100
_DIGITS = re.compile(r"0x[0-9a-f]+|[0-9]+")

log = logging.getLogger(__name__)


class FirstOfAKind(logging.Filter):
    """Log the first message of each kind, and count the others.

    Messages are of one kind if their first lines differ only in numbers.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a message is the first of its kind since the last report."""
        kind = _DIGITS.sub("N", record.getMessage().partition("\n")[0])
        with self._lock:
            if kind in self._counts:
                self._counts[kind] += 1
                return False
            if len(self._counts) < _MOST_KINDS:
                self._counts[kind] = 0
            return True

    def report(self) -> None:
        """Log how many messages of each kind were left out; forget kinds that have ceased.

        Call it every ``SECONDS``.
        """
        with self._lock:
            counts = self._counts
            self._counts = {kind: 0 for kind, count in counts.items() if count}
        for kind, count in counts.items():
            if count:
                log.warning("%d times in %d s: %s", count, SECONDS, kind)
