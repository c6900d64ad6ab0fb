"""Suppress notes that native libraries write to the error stream; pass errors on."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator

# LiteRT writes this when it prepares its first model.
LITERT_NOTE = re.compile(rb"^INFO: Created TensorFlow Lite XNNPACK delegate for CPU\.")


@contextlib.contextmanager
def held_back(notes: re.Pattern[bytes]) -> Iterator[None]:
    """Collect what is written to the process's error stream, then pass on all lines but the notes.

    Args:
        notes: Pattern that matches the start of a line to drop.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            for line in held:
                if not notes.match(line):
                    os.write(2, line)
