"""What turns C into a program for a chip, and what runs that program here."""

from __future__ import annotations

from importlib.util import find_spec

TOOLS = ("ziglang", "unicorn")


def missing_tools() -> str:
    """Return which tools for microcontrollers are missing, and how to install them.

    Returns:
        A sentence; empty if the compiler and the emulator are there.
    """
    missing = " ".join(name for name in TOOLS if not find_spec(name))
    return f"Not installed: {missing}. Install it: pip install {missing}" if missing else ""
