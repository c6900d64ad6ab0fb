"""Log lines that a client can cause at will: the first of a kind, then a count once a minute."""

from __future__ import annotations

import logging
import re
import threading

SECONDS = 60
_MOST_KINDS = 100
_DIGITS = re.compile(r"0x[0-9a-f]+|[0-9]+")

log = logging.getLogger(__name__)


class FirstOfAKind(logging.Filter):
    """Let the first line of each kind through, and count the others.

    Lines are of one kind if their first lines differ in numbers only.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether a line is the first of its kind since it was last reported."""
        kind = _DIGITS.sub("N", record.getMessage().partition("\n")[0])
        with self._lock:
            if kind in self._counts:
                self._counts[kind] += 1
                return False
            if len(self._counts) < _MOST_KINDS:
                self._counts[kind] = 0
            return True

    def report(self) -> None:
        """Log how many lines of each kind were left out; let kinds that have ceased start anew.

        To be called every ``SECONDS``.
        """
        with self._lock:
            counts = self._counts
            self._counts = {kind: 0 for kind, count in counts.items() if count}
        for kind, count in counts.items():
            if count:
                log.warning("%d times in %d s: %s", count, SECONDS, kind)
