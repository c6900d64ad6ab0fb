"""How fast this machine is at the moment, by a piece of work that is always the same.

Two runs can be compared only if the machine was as fast in both: other programs take their share,
and no two machines are alike. So the same work is timed between the sections of each run.
"""

from __future__ import annotations

import hashlib
import time

# About a tenth of a second on a machine of 2025: long enough to share the core with others.
ROUNDS = 150_000


def pace_s() -> float:
    """Do the work, and return how many seconds it took.

    >>> pace_s() > 0
    True
    """
    begun = time.perf_counter()
    digest = b""
    for number in range(ROUNDS):
        digest = hashlib.sha256(digest + number.to_bytes(4, "big")).digest()
    return time.perf_counter() - begun
