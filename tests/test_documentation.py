"""Examples in docstrings run, and every public function is described."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import deployworkbook

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(deployworkbook.__path__, "deployworkbook.")
    if not module.name.endswith("__main__")
)
FORMULAS = [name for name in MODULES if name.startswith("deployworkbook.formulas.")]


def public_functions(name):
    module = importlib.import_module(name)
    for member in vars(module).values():
        own = inspect.isfunction(member) and member.__module__ == name
        if own and not member.__name__.startswith("_"):
            yield member


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    module = importlib.import_module(name)
    results = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert results.failed == 0


@pytest.mark.parametrize("name", FORMULAS)
def test_every_formula_has_an_example(name):
    for function in public_functions(name):
        assert ">>>" in (function.__doc__ or ""), f"{name}.{function.__name__} has no example"


def test_there_is_something_to_check():
    assert len(MODULES) > 20
    assert len(FORMULAS) > 5
