"""Modules that are loaded when something of them is used."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any


class Later(ModuleType):
    """Stand in for a module, and load it when it is first used.

    >>> Later("string").digits
    '0123456789'
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # Python's own imports ask for these
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


@contextmanager
def imported_later(name: str) -> Iterator[None]:
    """Give libraries that import a module in the block one that is loaded when they use it.

    A module that is loaded already stays.

    >>> with imported_later("this"):
    ...     import this
    >>> type(this).__name__
    'Later'
    """
    stand_in = Later(name)
    found = sys.modules.setdefault(name, stand_in)
    try:
        yield
    finally:
        if found is stand_in and sys.modules.get(name) is stand_in:
            del sys.modules[name]
