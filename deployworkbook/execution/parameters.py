"""The parameters of a run: from the command line and from the notebook's fast settings."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from deployworkbook.execution.declared import TYPES, Declared, declared_parameters
from deployworkbook.execution.outputs import read_notebook
from deployworkbook.validation import describe, did_you_mean, value_error


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
