"""Exercise cells with their solution filled in, for a teacher or for a learner who fell behind.

A cell that still has its stub, ``answer = ...`` or a function that returns ``...``, gets the
solution in its place; everything else in the cell stays as it is.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from deployworkbook.exercises.declaration import Exercise
from deployworkbook.exercises.solutions import IMPORTS, imports_of, parsed, solution_text
from deployworkbook.validation import value_error

# The first words of a filled cell. ``check`` doesn't count its answer as the learner's own.
MARK = "# Filled in"

_CHECKED = re.compile(r"\bcheck\(\s*[\"']([a-z0-9_.]+)[\"']")


@dataclass(frozen=True)
class Stub:
    """The place of an answer that is still missing.

    Args:
        name: The variable or function.
        start: First line of what a solution replaces, from 0.
        end: Line after the last one.
        header: For a function, its ``def`` line or lines and the comment from its stub's line.
        indent: Indentation of the function's body.
    """

    name: str
    start: int
    end: int
    header: tuple[str, ...] = ()
    indent: str = ""


def checked_in(source: str) -> list[str]:
    r"""Return the names of the exercises that a cell checks, in order.

    Args:
        source: The cell's text; it need not be Python.

    >>> checked_in('answer = 3\n\ncheck("losses.logits", answer)')
    ['losses.logits']
    """
    return _CHECKED.findall(source) if "check" in source else []


def answer_name(source: str, exercise_id: str) -> str | None:
    r"""Return the name that a cell gives to an exercise's ``check``.

    Args:
        source: The cell's text.
        exercise_id: The exercise.

    Returns:
        The name; ``None`` if the cell gives none, or isn't Python.

    >>> answer_name('answer = 3\n\ncheck("losses.logits", answer)', "losses.logits")
    'answer'
    """
    for node in parsed(source):
        call = _check_of(node)
        if call and checked_in(ast.unparse(call)) == [exercise_id] and len(call.args) > 1:
            return call.args[1].id if isinstance(call.args[1], ast.Name) else None
    return None


def binds(source: str, name: str) -> bool:
    """Return whether a cell defines or assigns a name.

    Args:
        source: The cell's text.
        name: The name.

    >>> binds("answer = 3", "answer"), binds("print(answer)", "answer")
    (True, False)
    """
    return any(name in _bound_by(node) for node in parsed(source))


def find_stub(source: str, name: str, exercise_id: str = "") -> Stub | None:
    r"""Find the stub of an answer in a cell.

    Args:
        source: The cell's text.
        name: Name of the answer.
        exercise_id: The exercise whose check ends the search, if the cell checks it.

    Returns:
        The stub. ``None`` if the name has been given another value since, or isn't there.

    >>> find_stub("answer = ...", "answer").name
    'answer'
    >>> find_stub("answer = ...\nanswer = 3", "answer")
    """
    last = None
    for node in parsed(source):
        if name in _bound_by(node):
            last = node
        call = _check_of(node)
        if exercise_id and call and exercise_id in checked_in(ast.unparse(call)):
            break
    return None if last is None or "\r" in source else _stub(last, source.split("\n"))


def fill(
    source: str, exercise: Exercise, *, why: str, name: str = "", imported: Collection[str] = ()
) -> str:
    """Return a cell with the solution in the place of its stub.

    Args:
        source: The cell's text.
        exercise: The exercise.
        why: Comment for the first line, which goes on from "Filled in".
        name: Name of the answer; by default the one that the cell checks.
        imported: Names that cells above import.

    Raises:
        ValueError: The cell has no stub of that name.

    >>> from deployworkbook.exercises.checking import find_exercise
    >>> rate = find_exercise("descent.largest_rate")
    >>> print(fill("answer = ...", rate, name="answer", why="by the teacher."))
    # Filled in by the teacher.
    answer = 2 / 50
    """
    wanted = name or answer_name(source, exercise.id) or ""
    stub = find_stub(source, wanted, exercise.id)
    if stub is None:
        received = "a cell without them"
        raise value_error(exercise.id, received=received, expected=f"the dots of {wanted}")
    text = solution_text(exercise)
    known = {*imported, *names_of_imports([source])}
    needed = [IMPORTS[each] for each in imports_of(text) if each not in known]
    lines = source.split("\n")
    # A magic for the whole cell, such as %%time, has to stay in the first line.
    first = 1 if source.startswith("%%") else 0
    above = _with_imports(lines[first : stub.start], needed, ["", ""] if stub.header else [""])
    mark = f"{MARK} {why}"
    return "\n".join([*lines[:first], mark, *above, *_answer(stub, text), *lines[stub.end :]])


def names_of_imports(sources: Iterable[str]) -> set[str]:
    """Return the names that code cells import; a cell that isn't Python counts as empty.

    Args:
        sources: The cells' texts.

    >>> sorted(names_of_imports(["import numpy as np", "what?", "%matplotlib inline"]))
    ['np']
    """
    nodes = [node for source in sources for node in parsed(source)]
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    return {alias.asname or alias.name for node in imports for alias in node.names}


def is_filled(source: str) -> bool:
    r"""Return whether a cell still bears the mark of a filled one.

    Args:
        source: The cell's text.

    >>> is_filled("# Filled in by the teacher.\nanswer = 1")
    True
    """
    return any(line.startswith(MARK) for line in source.splitlines())


def without_check(source: str) -> str:
    r"""Return a cell without its calls of ``check``, so that running it judges nothing.

    Args:
        source: The cell's text.

    >>> without_check('answer = 3\n\ncheck("losses.logits", answer)')
    'answer = 3'
    """
    lines = source.split("\n")
    for node in reversed(parsed(source)):
        if _check_of(node):
            del lines[node.lineno - 1 : node.end_lineno]
    return "\n".join(lines).rstrip()


def _check_of(node: ast.stmt) -> ast.Call | None:
    """Return the call, if a statement is ``check("some.exercise", …)``."""
    call = node.value if isinstance(node, ast.Expr) else None
    is_check = isinstance(call, ast.Call) and checked_in(ast.unparse(call))
    return call if isinstance(call, ast.Call) and is_check else None


def _bound_by(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    names = [each for each in ast.walk(node) if isinstance(each, ast.Name)]
    return {each.id for each in names if isinstance(each.ctx, ast.Store)}


def _stub(node: ast.stmt, lines: list[str]) -> Stub | None:
    end = node.end_lineno or node.lineno
    if isinstance(node, ast.Assign):
        target = node.targets[0]
        is_stub = isinstance(target, ast.Name) and len(node.targets) == 1
        is_stub = is_stub and _is_ellipsis(node.value) and lines[node.lineno - 1][:1] != " "
        return Stub(ast.unparse(target), node.lineno - 1, end) if is_stub else None
    if not isinstance(node, ast.FunctionDef):
        return None
    body = node.body[1:] if ast.get_docstring(node) else node.body
    if len(body) != 1 or not _says_nothing(body[0]):
        return None
    line = lines[body[0].lineno - 1].encode()
    before = line[: body[0].col_offset].decode()
    after = lines[end - 1].encode()[body[0].end_col_offset :].decode().strip()
    is_short = bool(before.strip())  # def f(x): return ...
    indent = "    " if is_short else before
    # A docstring belongs to the header, as do comments above the stub.
    header = lines[node.lineno - 1 : body[0].lineno - 1] + ([before.rstrip()] if is_short else [])
    if after.startswith("#"):
        header = [*header, f"{indent}{after}"]
    return Stub(node.name, node.lineno - 1, end, tuple(header), indent)


def _says_nothing(node: ast.stmt) -> bool:
    """Return whether a statement is ``return ...``, ``...`` or ``pass``."""
    if isinstance(node, ast.Return | ast.Expr):
        return _is_ellipsis(node.value)
    return isinstance(node, ast.Pass)


def _is_ellipsis(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...


def _answer(stub: Stub, text: str) -> list[str]:
    """Return the lines of a filled function or value."""
    if stub.header:
        return [*stub.header, *textwrap.indent(text, stub.indent).split("\n")]
    *before, last = text.split("\n")
    return [*before, last.replace("return", f"{stub.name} =", 1)]


def _with_imports(above: list[str], needed: list[str], gap: list[str]) -> list[str]:
    """Return the lines above a stub with more imports, and the gap that the stub needs then."""
    if not needed:
        return above
    shown = [line for line in above if line.strip()]
    if not all(line.startswith(("import ", "from ")) for line in shown):
        return [*needed, "", *above]
    groups: dict[str, list[str]] = {"math": [], "numpy": [], "deployworkbook": []}
    for line in sorted({*needed, *shown}):
        package = line.split()[1].partition(".")[0]
        groups[package if package in groups else "numpy"].append(line)
    lines = [line for group in groups.values() if group for line in ["", *group]]
    return [*lines[1:], *gap]
