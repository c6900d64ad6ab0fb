"""A learner's function with all that it needs, as one program that can be run elsewhere."""

from __future__ import annotations

import ast
import builtins
import functools
import inspect
import symtable
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployworkbook.exercises.definitions import NoSourceError, definition_of
from deployworkbook.exercises.literals import NoLiteralError, literal_of


@dataclass(frozen=True)
class Program:
    """A program that defines a function.

    Args:
        code: Python source, without comments, docstrings and annotations of functions.
        name: The function's name in it.
    """

    code: str
    name: str


def program_of(
    function: Callable[..., Any], *, is_own: Callable[[str | None], bool] | None = None
) -> Program:
    r"""Write down a function with the functions, values and imports that it uses.

    Args:
        function: The function, from a cell, a file or a library.
        is_own: Whether a module's functions are written down rather than imported; by default
            those of all modules that were not installed.

    Raises:
        NoSourceError: Its source is unknown, or it uses something that has no source and is no
            plain value, such as a model.

    >>> from math import hypot
    >>> program_of(hypot)
    Program(code='from math import hypot\n', name='hypot')
    """
    name = getattr(function, "__name__", "")
    writer = _Writer(is_own or is_own_module)
    name = name if name.isidentifier() else "answer"
    try:
        writer.bind(name, function)
    except RecursionError as error:
        raise NoSourceError("It is nested too deeply.") from error
    return Program("\n".join([*sorted(writer.imports), *writer.lines]) + "\n", name)


def is_own_module(module: str | None) -> bool:
    """Return whether a module is a learner's own: a notebook's, or a file that was not installed.

    >>> is_own_module("__main__"), is_own_module("numpy.linalg")
    (True, False)
    """
    if module is None or module == "__main__":  # code that was made by exec has none
        return True
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names or top == __name__.partition(".")[0]:
        return False
    file = getattr(sys.modules.get(module), "__file__", None)
    return file is not None and not {"site-packages", "dist-packages"} & set(Path(file).parts)


class _Writer:
    """Collects a program's lines: what a definition needs comes before it."""

    def __init__(self, is_own: Callable[[str | None], bool]) -> None:
        self.imports: set[str] = set()
        self.lines: list[str] = []
        self._is_own = is_own
        self._bound: dict[str, Any] = {}

    def bind(self, name: str, value: Any) -> None:
        """Let the program bind a name to a value."""
        if name in self._bound:
            if self._bound[name] is not value:
                raise NoSourceError(f"It uses two different things that are called {name}.")
            return
        self._bound[name] = value
        inner = inspect.unwrap(value) if callable(value) else value
        if isinstance(value, types.ModuleType):
            path = value.__name__
            self.imports.add(f"import {path}" if path == name else f"import {path} as {name}")
        elif isinstance(inner, types.FunctionType | type) and self._is_own(inner.__module__):
            self._define(name, inner)
        elif (place := _imported(name, value)) is not None:
            module, own = place
            self.imports.add(f"from {module} import {own if own == name else f'{own} as {name}'}")
        elif isinstance(value, functools.partial):
            self._bind_partial(name, value)
        else:
            self.lines.append(f"{name} = {self._literal(name, value)}")

    def _bind_partial(self, name: str, value: functools.partial[Any]) -> None:
        self.bind("functools", functools)
        self.bind(inner := f"_{name}", value.func)
        given = [self._given(f"{inner}_{at}", each) for at, each in enumerate(value.args)]
        given += [
            f"{key}={self._given(f'{inner}_{key}', each)}" for key, each in value.keywords.items()
        ]
        self.lines.append(f"{name} = functools.partial({', '.join([inner, *given])})")

    def _given(self, name: str, value: Any) -> str:
        """Return an expression for an argument; a function gets a name."""
        if not callable(value):
            return self._literal(name, value)
        self.bind(name, value)
        return name

    def _literal(self, name: str, value: Any) -> str:
        try:
            text = literal_of(value)
        except NoLiteralError as error:
            raise NoSourceError(f"It uses {name}, which is {error}.") from error
        if "numpy." in text:
            self.imports.add("import numpy")
        return text

    def _define(self, name: str, item: Any) -> None:
        node = definition_of(item)
        if isinstance(item, types.FunctionType) and not isinstance(node, ast.ClassDef):
            self._fill_defaults(node, item)
        if isinstance(node, ast.Lambda):
            own, text = name, f"{name} = {ast.unparse(node)}"
        else:
            own, text = node.name, ast.unparse(_Bare().visit(node))
        if own != name:
            self._bound.setdefault(own, item)
            if self._bound[own] is not item:
                raise NoSourceError(f"It uses two different things that are called {own}.")
        known = _names_known_to(item)
        for each in sorted(_needed_by(text) - {own}):
            if each in known:
                self.bind(each, known[each])
        self.lines.append(text)
        if own != name:
            self.lines.append(f"{name} = {own}")

    def _fill_defaults(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, item: Any
    ) -> None:
        """Replace defaults by their values, for the names in them may mean others by now."""
        arguments = [*node.args.posonlyargs, *node.args.args]
        values = item.__defaults__ or ()
        if values and len(values) == len(node.args.defaults):
            names = [each.arg for each in arguments[-len(values) :]]
            node.args.defaults = [self._default(*each) for each in zip(names, values, strict=True)]
        named = item.__kwdefaults__ or {}
        for place, argument in enumerate(node.args.kwonlyargs):
            if argument.arg in named:
                node.args.kw_defaults[place] = self._default(argument.arg, named[argument.arg])

    def _default(self, name: str, value: Any) -> ast.expr:
        text = self._given(f"_default_{name}", value)
        return ast.parse(text, mode="eval").body


class _Bare(ast.NodeTransformer):
    """Drops docstrings and annotations, which no answer needs."""

    def _bare(self, node: Any) -> Any:
        self.generic_visit(node)
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        node.returns = None
        return self._bare(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> Any:
        node.returns = None
        return self._bare(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        return self._bare(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        if node.value is None:
            return ast.Pass()
        return ast.Assign([node.target], node.value, lineno=node.lineno)

    def visit_arg(self, node: ast.arg) -> Any:
        node.annotation = None
        return node


def _names_known_to(item: Any) -> dict[str, Any]:
    """Return the values of names outside a function: its module's and those around it."""
    if not isinstance(item, types.FunctionType):
        return dict(vars(sys.modules[item.__module__]))
    known = dict(item.__globals__)
    for name, cell in zip(item.__code__.co_freevars, item.__closure__ or (), strict=True):
        try:
            known[name] = cell.cell_contents
        except ValueError:  # not bound yet
            known.pop(name, None)
    return known


def _needed_by(text: str) -> set[str]:
    """Return the names that a definition takes from outside, builtins left out."""
    try:
        table = symtable.symtable(text, "<answer>", "exec")
    except SyntaxError as error:
        raise NoSourceError("It changes a variable of the function around it.") from error
    return {name for name in _globals_in(table) if not hasattr(builtins, name)}


def _globals_in(table: symtable.SymbolTable) -> Iterator[str]:
    for symbol in table.get_symbols():
        if symbol.is_global() or (table.get_type() == "module" and symbol.is_referenced()):
            yield symbol.get_name()
    for child in table.get_children():
        yield from _globals_in(child)


def _imported(bound: str, value: Any) -> tuple[str, str] | None:
    """Return from which module a value can be imported, and its name there.

    Functions know both. Other objects, such as SciPy's distributions, are looked for by the name
    that they go by, in the packages of their type.
    """
    name = getattr(value, "__name__", None)
    module = getattr(value, "__module__", None) or "numpy"
    if not isinstance(name, str):
        name, module = bound, type(value).__module__
    if not isinstance(module, str) or module == "__main__":
        return None
    parts = module.split(".")
    for end in range(len(parts), 0, -1):
        found = getattr(sys.modules.get(path := ".".join(parts[:end])), name, None)
        if found is value:
            return path, name
    return None
