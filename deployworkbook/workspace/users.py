"""Who runs this process."""

import os


def is_root() -> bool:
    """Return whether this process may do everything, change to other users included.

    That is so in most containers, and never on Windows.
    """
    return hasattr(os, "geteuid") and os.geteuid() == 0
