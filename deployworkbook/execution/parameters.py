"""The parameters of a run: declared in notebooks, and given on the command line.

A notebook's tagged cell declares them: the names it sets, and their types. The cell is parsed as
Python, never executed. papermill's own inspection works line by line and mistakes an ``=`` in a
comment or string for an assignment.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from IPython.core.inputtransformer2 import TransformerManager

from deployworkbook.execution.outputs import read_notebook
from deployworkbook.validation import describe, did_you_mean, value_error

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


def parse_value(text: str) -> object:
    """Parse a parameter's value from the command line.

    Numbers, lists, dictionaries, true, false and none are written as in JSON or Python; anything
    else is text.

    >>> [parse_value(text) for text in ("3", "1e-3", "true", "None", "[1, 2]", "digits")]
    [3, 0.001, True, None, [1, 2], 'digits']
    """
    for parse in (json.loads, ast.literal_eval):
        try:
            value: object = parse(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
        return value
    return {"true": True, "false": False, "none": None}.get(text.lower(), text)


def fast_parameters(notebook: Path) -> dict[str, object]:
    """Read a notebook's own small parameters, for runs that only check that it works.

    They are in its metadata, as ``{"deployworkbook": {"fast": {name: value}}}``.

    Raises:
        ValueError: The file is not a notebook, or the entry is not a dictionary.
    """
    about = read_notebook(notebook).metadata.get("deployworkbook", {})
    small = about.get("fast", {})
    if not isinstance(small, dict):
        raise value_error(
            f"metadata.deployworkbook.fast of {notebook}",
            received=describe(small),
            expected="a dictionary of parameters",
        )
    return dict(small)


def parameters_for(
    notebooks: Sequence[Path], given: Mapping[str, object], *, fast: bool
) -> list[dict[str, object]]:
    """Choose each notebook's parameters: its small ones if requested, overridden by those given.

    Args:
        notebooks: Paths of the notebooks to run.
        given: Values by name. Each is passed to the notebooks that declare the name.
        fast: Whether to start from each notebook's small parameters.

    Returns:
        The parameters of each notebook, in order.

    Raises:
        ValueError: No notebook declares a name (the message lists all that are declared), or a
            value's type differs from that of the default in a notebook.
    """
    known = [declared_parameters(notebook) if given else {} for notebook in notebooks]
    all_names = sorted({name for names in known for name in names})
    for name in given:
        if name not in all_names:
            raise value_error(
                "-p",
                received=repr(name),
                expected="one of " + (", ".join(all_names) or "no parameters: there are none"),
                remedy=did_you_mean(name, all_names),
            )
    for notebook, declared in zip(notebooks, known, strict=True):
        for name in given.keys() & declared.keys():
            _check_type(notebook, declared[name], given[name])
    return [
        (fast_parameters(notebook) if fast else {})
        | {name: value for name, value in given.items() if name in names}
        for notebook, names in zip(notebooks, known, strict=True)
    ]


def _check_type(notebook: Path, declared: Declared, value: object) -> None:
    if declared.type is None or declared.accepts(value):
        return
    default = f", like its default {declared.default} in {notebook.name}"
    remedy = ""
    if declared.type is str:
        remedy = f"Put quotes around it: -p {declared.name} '{json.dumps(str(value))}'"
    elif declared.type is int and isinstance(value, float) and value.is_integer():
        remedy = f"Write {int(value)}."
    raise value_error(
        f"-p {declared.name}",
        received=f"{value!r}",
        expected=TYPES[declared.type] + (default if declared.default else ""),
        remedy=remedy,
    )
