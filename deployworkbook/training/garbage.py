"""Pause Python's search for garbage: while a model is timed, or while a large library loads.

A collection in the middle would count as the model's time. And a library's objects stay, so
looking through half a million of them, again and again while they are made, finds nothing.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Collect no garbage in the block; afterwards as before."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
