"""The server's log, on standard error."""

from __future__ import annotations

import logging
import sys


def log_to_stderr(source: str = "") -> None:
    """Log from INFO on.

    Args:
        source: Stands before each message, such as "worker 2: ".
    """
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO,
        format=f"%(asctime)s %(levelname).1s {source}%(message)s",
    )
