"""Modules that are loaded when something of them is used."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

# Two threads may use a module at the same time.
_REPLACING = threading.Lock()


class Later(ModuleType):
    """Stand in for a module, and load it when it is first used.

    >>> Later("string").digits
    '0123456789'
    """

    def __getattr__(self, name: str) -> Any:
        # Python's own imports ask for such names; ``import module.part`` asks for the path.
        if name.startswith("__") and name != "__path__":
            raise AttributeError(name)
        with _REPLACING:
            if sys.modules.get(self.__name__) is self:
                del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


@contextmanager
def imported_later(*names: str) -> Iterator[None]:
    """Give libraries that import modules in the block some that are loaded when they use them.

    What is loaded already stays. In the block, ``import module.part`` loads the module at once, and
    a part that the module imports itself twice: name modules that are imported whole there.

    >>> with imported_later("this"):
    ...     import this
    >>> type(this).__name__
    'Later'
    """
    stand_ins = {name: Later(name) for name in names if name not in sys.modules}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name, stand_in in stand_ins.items():
            if sys.modules.get(name) is stand_in:
                del sys.modules[name]
