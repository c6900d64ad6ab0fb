"""Read the parameters a notebook declares: the names its tagged cell sets, and their types.

The cell is parsed as Python, never executed. papermill's own inspection works line by line and
mistakes an ``=`` in a comment or string for an assignment.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from IPython.core.inputtransformer2 import TransformerManager

from deployworkbook.execution.outputs import read_notebook
from deployworkbook.validation import value_error

TAG = "parameters"

# What each type is called in an error message.
TYPES: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "a dictionary",
}

# Tuples are passed as lists, since JSON has no tuples.
NAMES: dict[str, type] = {kind.__name__: kind for kind in TYPES} | {"tuple": list}


@dataclass(frozen=True)
class Declared:
    """A parameter of a notebook.

    Args:
        name: The parameter's name.
        type: The type of its values; ``None`` if unknown.
        default: The default as written in the cell; empty if there is none.
    """

    name: str
    type: type | None
    default: str

    def accepts(self, value: object) -> bool:
        """Return whether a value has the right type; an integer is also a number.

        >>> Declared("rate", float, "0.5").accepts(1), Declared("rate", float, "0.5").accepts("a")
        (True, False)
        """
        if self.type is None:
            return True
        if self.type is bool or isinstance(value, bool):
            return self.type is bool and isinstance(value, bool)
        if self.type is float:
            return isinstance(value, int | float)
        return isinstance(value, self.type)


def declared_parameters(notebook: Path) -> dict[str, Declared]:
    """Read the parameters declared in a notebook's first cell tagged ``parameters``.

    Args:
        notebook: Path of the notebook.

    Returns:
        Parameters by name, in the cell's order; empty if no cell has the tag.

    Raises:
        ValueError: The file is not a notebook, or the cell is not valid Python.
    """
    cells = read_notebook(notebook).cells
    tagged = [cell.source for cell in cells if TAG in cell.metadata.get("tags", [])]
    if not tagged:
        return {}
    try:
        # This turns IPython's magics and shell commands into Python calls.
        tree = ast.parse(TransformerManager().transform_cell(tagged[0]))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        where = getattr(error, "lineno", None)
        raise value_error(
            f"the parameters cell in {notebook}",
            received=f"an error{f' in line {where}' if where else ''}: "
            f"{getattr(error, 'msg', error)}",
            expected="Python",
            remedy="Correct the cell in JupyterLab.",
        ) from error
    found: dict[str, Declared] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                found |= _assigned(target, statement.value)
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            found |= _annotated(statement.target.id, statement)
    return found


def _assigned(target: ast.expr, value: ast.expr) -> dict[str, Declared]:
    if isinstance(target, ast.Name):
        return {target.id: Declared(target.id, _type_of(value), ast.unparse(value))}
    if isinstance(target, ast.Tuple | ast.List):
        parts: list[ast.expr] = [ast.Name("unknown")] * len(target.elts)
        starred = any(isinstance(each, ast.Starred) for each in target.elts)
        if isinstance(value, ast.Tuple | ast.List) and not starred:
            parts = value.elts
        found: dict[str, Declared] = {}
        for inner, part in zip(target.elts, parts, strict=False):
            found |= _assigned(inner, part)
        return found
    return {}


def _annotated(name: str, statement: ast.AnnAssign) -> dict[str, Declared]:
    if statement.value is not None:
        return _assigned(ast.Name(name), statement.value)
    noted = statement.annotation
    kind = NAMES.get(noted.id) if isinstance(noted, ast.Name) else None
    return {name: Declared(name, kind, "")}


def _type_of(value: ast.expr) -> type | None:
    """Infer an expression's type without running it; ``None`` if unknown."""
    match value:
        case ast.Constant(value=constant):
            return type(constant) if type(constant) in TYPES else None
        case ast.List() | ast.Tuple() | ast.ListComp():
            return list
        case ast.Dict() | ast.DictComp():
            return dict
        case ast.JoinedStr():
            return str
        case ast.Compare() | ast.UnaryOp(op=ast.Not()):
            return bool
        case ast.UnaryOp(operand=operand):
            return _type_of(operand)
        case ast.BinOp(left=left, right=right, op=op):
            kinds = {_type_of(left), _type_of(right)}
            if kinds == {int} and not isinstance(op, ast.Div | ast.Pow):
                return int
            return float if kinds <= {int, float} else None
        case ast.Call(func=ast.Name(id=name)):
            return NAMES.get(name)
        case _:
            return None
