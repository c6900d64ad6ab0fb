"""Tell a user of waits and damage: by the logger ``deployworkbook``, as warnings.

A notebook and a terminal show them without any set-up. Who wants them elsewhere gives a function of
their own, such as a progress bar's, or a handler to the logger.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

Notice = Callable[[str], None]


def notify(text: str) -> None:
    """Log a sentence as a warning.

    >>> notify("The ledger could not be copied to the backups.")
    """
    logging.getLogger("deployworkbook").warning("%s", text)
