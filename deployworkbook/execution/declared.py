"""The parameters that a notebook declares: names that its tagged cell sets, and their types.

The cell is read as Python, never run. papermill's own inspection goes line by line and takes the
``=`` in a comment or a string for an assignment.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from IPython.core.inputtransformer2 import TransformerManager

from deployworkbook.execution.outputs import read_notebook
from deployworkbook.validation import value_error

TAG = "parameters"

# In words, what a value of a type is called in an error.
TYPES: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "a dictionary",
}

# A tuple is given as a list, since JSON has no other.
NAMES: dict[str, type] = {kind.__name__: kind for kind in TYPES} | {"tuple": list}


@dataclass(frozen=True)
class Declared:
    """A parameter of a notebook.

    Args:
        name: Its name.
        type: What a value must be; ``None`` if the cell does not tell.
        default: Its default as the cell writes it; empty if it has none.
    """

    name: str
    type: type | None
    default: str

    def takes(self, value: object) -> bool:
        """Whether a value has the right type; a whole number is also a number.

        >>> Declared("rate", float, "0.5").takes(1), Declared("rate", float, "0.5").takes("lots")
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
    """Read the names that a notebook's first cell tagged ``parameters`` sets, with their types.

    Args:
        notebook: The file.

    Returns:
        By name, in the cell's order; empty if no cell has the tag.

    Raises:
        ValueError: The file is not a notebook, or the cell is not Python.
    """
    cells = read_notebook(notebook).cells
    tagged = [cell.source for cell in cells if TAG in cell.metadata.get("tags", [])]
    if not tagged:
        return {}
    try:
        # IPython's magics and shell commands become Python's calls.
        tree = ast.parse(TransformerManager().transform_cell(tagged[0]))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        where = getattr(error, "lineno", None)
        raise value_error(
            f"the cell of parameters in {notebook}",
            received=f"an error{f' in line {where}' if where else ''}: "
            f"{getattr(error, 'msg', error)}",
            expected="Python",
            remedy="Mend the cell in JupyterLab.",
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
    """Say which type an expression has, as far as that can be told without running it."""
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
