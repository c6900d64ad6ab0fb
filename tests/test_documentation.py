"""Examples in docstrings run."""

import doctest
import importlib
import linecache
import pkgutil
from itertools import groupby
from pathlib import Path

import pytest

import deployworkbook

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(deployworkbook.__path__, "deployworkbook.")
    if not module.name.endswith("__main__")
)
ROOMS = {room: list(names) for room, names in groupby(MODULES, lambda name: name.split(".", 2)[1])}


@pytest.mark.parametrize("room", ROOMS)
def test_examples_run(room):
    failed = []
    for name in ROOMS[room]:
        module = importlib.import_module(name)
        # To find examples takes longer than to run them.
        if ">>>" not in Path(module.__file__).read_text():
            continue
        # For each docstring doctest asks whether any of the files in it has changed.
        linecache.clearcache()
        if doctest.testmod(module, optionflags=doctest.ELLIPSIS).failed:
            failed.append(name)
    assert failed == []


def test_there_is_something_to_check():
    assert len(MODULES) > 20
