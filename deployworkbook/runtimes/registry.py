"""The platforms by name; each is imported only when it is asked for."""

from __future__ import annotations

from importlib import import_module

from deployworkbook.runtimes.base import Runtime
from deployworkbook.validation import check_choice

# The name that the ledger uses, and where its class is.
RUNTIMES = {
    "savedmodel": ("deployworkbook.runtimes.savedmodel", "SavedModelRuntime"),
    "litert": ("deployworkbook.runtimes.litert", "LiteRTRuntime"),
}


def runtime(name: str) -> Runtime:
    """Give the runtime of a name.

    Raises:
        ValueError: There is none; the message lists those that are.
    """
    module, class_name = RUNTIMES[check_choice("runtime", name, RUNTIMES)]
    platform: Runtime = getattr(import_module(module), class_name)()
    return platform
