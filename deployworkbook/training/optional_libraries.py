"""Load TensorFlow and Keras without the libraries that they can do without, until one is used.

Keras recognises tables of pandas and sparse matrices of SciPy, and rotates images by SciPy. Both
are imported wherever they are installed, with what reads HDF5 and the web: a fifth of the time that
TensorFlow takes to load, and 70 MB. Who gives Keras a table has loaded pandas already.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from deployworkbook.workspace.later import Later, imported_later

# TensorFlow tries JAX, too, which can't do without SciPy.
_OPTIONAL = ("pandas",) if find_spec("jax") else ("pandas", "scipy")
# What Keras only uses when it saves models as HDF5 or asks a server.
_LATER = ("h5py", "requests")


class _Absent(MetaPathFinder):
    """Find no optional library, for what one thread imports."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name in _OPTIONAL and threading.get_ident() == self._thread:
            raise ModuleNotFoundError(f"{name} is left out until it is used", name=name)
        return None


@contextmanager
def without_optional_libraries() -> Iterator[None]:
    """Let imports of pandas and SciPy fail in the block and this thread, unless they are loaded.

    What reads HDF5 and the web is loaded when it is used.
    """
    finder = _Absent()
    sys.meta_path.insert(0, finder)
    try:
        with imported_later(*_LATER):
            yield
    finally:
        sys.meta_path.remove(finder)


class _Nothing:
    """A type without objects."""


class _Tables(ModuleType):
    """pandas for Keras, which only asks whether what it gets is a table."""

    def __getattr__(self, name: str) -> Any:
        # Unless pandas is loaded, nothing is an object of its types.
        loaded = sys.modules.get(self.__name__)
        # Another thread may have loaded a part of it so far.
        return getattr(loaded, name, _Nothing)


def is_sparse(value: object) -> bool:
    """Return whether a value is a sparse matrix of SciPy; nothing is while SciPy isn't loaded.

    >>> is_sparse([[1, 0]])
    False
    """
    sparse = sys.modules.get("scipy.sparse")
    # Another thread may have loaded a part of it so far.
    is_one = getattr(sparse, "issparse", None)
    return is_one is not None and bool(is_one(value))


def give_back() -> None:
    """Give Keras, which was imported without them, the libraries for when they are used."""
    places: dict[str, dict[str, object]] = {
        # It asks each input whether it is sparse, and would import SciPy for that.
        "engine.data_adapter": {"pd": _Tables("pandas"), "_is_scipy_sparse": is_sparse},
        "engine.training_v1": {"issparse": is_sparse},
        "engine.training_arrays_v1": {"issparse": is_sparse},
        "preprocessing.image": {
            "scipy": Later("scipy"),
            "linalg": Later("scipy.linalg"),
            "ndimage": Later("scipy.ndimage"),
        },
    }
    for place, names in places.items():
        module = sys.modules.get(f"tf_keras.src.{place}")
        for name, stand_in in names.items():
            # A module that was loaded already has been imported all the same.
            if module is not None and not isinstance(getattr(module, name, None), ModuleType):
                setattr(module, name, stand_in)
