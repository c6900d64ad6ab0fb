"""Examples in docstrings run."""

import doctest
import importlib
import linecache
import pkgutil

import pytest

import deployworkbook

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(deployworkbook.__path__, "deployworkbook.")
    if not module.name.endswith("__main__")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    module = importlib.import_module(name)
    # For each docstring doctest asks whether any of the files in it has changed.
    linecache.clearcache()
    results = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert results.failed == 0


def test_there_is_something_to_check():
    assert len(MODULES) > 20
