"""The faces: what a stub promises is what its package exports."""

import ast
import importlib
import inspect
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "deployworkbook"
FACES = sorted(stub.parent.name for stub in PACKAGE.rglob("__init__.pyi"))
# Those whose names load neither TensorFlow nor matplotlib.
LIGHT = ["costs", "jupyter", "ledger", "privacy", "workspace"]


def exports(face):
    """The imports of a stub: the module's path from the face (none for a module), and the name."""
    stub = ast.parse((PACKAGE / face / "__init__.pyi").read_text())
    for statement in stub.body:
        assert isinstance(statement, ast.ImportFrom), f"line {statement.lineno} imports nothing"
        assert statement.level == 1, f"line {statement.lineno} is no relative import"
        for alias in statement.names:
            # The form by which mypy takes a name for exported.
            assert alias.asname == alias.name
            yield statement.module, alias.name


def defined_in(path):
    """The names that a module binds when it is imported."""
    names = set()

    def visit(node):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
            return
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text()))
    return names


@pytest.mark.parametrize("face", FACES)
def test_each_name_is_defined_where_the_stub_says(face):
    for module, name in exports(face):
        if module is None:
            assert (PACKAGE / face / f"{name}.py").exists()
        else:
            place = PACKAGE.joinpath(face, *module.split("."))
            path = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
            assert name in defined_in(path), f"{path} defines no {name}"


@pytest.mark.parametrize("face", FACES)
def test_dir_lists_each_name_once(face):
    names = [name for _, name in exports(face)]
    assert sorted(names) == dir(importlib.import_module(f"deployworkbook.{face}"))


@pytest.mark.parametrize("face", FACES)
def test_no_name_hides_a_module_of_its_face(face):
    modules = {path.stem for path in (PACKAGE / face).glob("*.py")}
    modules |= {path.parent.name for path in (PACKAGE / face).glob("*/__init__.py")}
    assert not modules & {name for module, name in exports(face) if module is not None}


@pytest.mark.parametrize("face", LIGHT)
def test_each_name_can_be_got(face):
    package = importlib.import_module(f"deployworkbook.{face}")
    for module, name in exports(face):
        value = getattr(package, name)
        if inspect.isfunction(value) or inspect.isclass(value):
            assert value.__module__ == f"{package.__name__}.{module}"
