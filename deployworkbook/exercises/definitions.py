"""The definition of a function or class, found in the source of its cell or file."""

from __future__ import annotations

import ast
import functools
import inspect
import types
from typing import Any

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda


class NoSourceError(ValueError):
    """A function can't be written down; the message says why."""


def definition_of(item: Any) -> Definition:
    """Return a function's or class's own node, from the source of its cell or file."""
    try:
        lines, line = inspect.findsource(item)
    except (OSError, TypeError) as error:
        raise NoSourceError("Its source is unknown.") from error
    code = getattr(item, "__code__", None)
    nodes = [node for node in _definitions("".join(lines)) if _first_line(node) == line + 1]
    if code is not None and len(nodes) > 1:
        nodes = [node for node in nodes if _is_made_of(code, node)]
    if len(nodes) != 1:
        raise NoSourceError("Its source can't be told from others on the same line.")
    return _copy_of(nodes[0])


def _copy_of(node: Definition) -> Definition:
    """Return a node of its own, which can be changed; much faster than ``copy.deepcopy``."""
    (statement,) = ast.parse(ast.unparse(node)).body
    copied = statement.value if isinstance(statement, ast.Expr) else statement
    if not isinstance(copied, Definition):
        raise AssertionError("what was unparsed is parsed as something else")
    return copied


@functools.lru_cache(maxsize=32)
def _definitions(source: str) -> tuple[Definition, ...]:
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise NoSourceError("Its source is no plain Python.") from error
    return tuple(node for node in ast.walk(tree) if isinstance(node, Definition))


def _first_line(node: Definition) -> int:
    decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
    return min([node.lineno, *(each.lineno for each in decorators)])


def _is_made_of(code: types.CodeType, node: Definition) -> bool:
    if isinstance(node, ast.ClassDef):
        return False
    if not isinstance(node, ast.Lambda):
        return node.name == code.co_name
    if code.co_name != "<lambda>":
        return False
    body = node.body
    place = (body.lineno, body.end_lineno, body.col_offset, body.end_col_offset)
    return place in set(code.co_positions())
