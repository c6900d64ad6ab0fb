"""Solutions as code: what to write into an exercise's cell.

An exercise's last hint is its solution, so a hint that is code is what is filled in. Otherwise it
is the body of the reference, if that has the stub's parameters and stands alone, or of a function
in ``worked``. The tests judge each solution as if a learner had written it.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import textwrap
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from deployworkbook.exercises.declaration import Exercise
from deployworkbook.exercises.worked import WORKED
from deployworkbook.validation import value_error

# What a solution may use, and how it is imported.
IMPORTS = {
    "math": "import math",
    "np": "import numpy as np",
    "softmax": "from deployworkbook.formulas.activations import softmax",
}

# The widest statement of a hint that still fits into a cell of 100 columns.
WIDEST = 88


def solution_text(exercise: Exercise) -> str:
    """Return a solution as code; the last statement is ``return`` and the answer.

    Args:
        exercise: Exercise.

    Raises:
        ValueError: The exercise has no solution that is code.

    >>> from deployworkbook.exercises.checking import find_exercise
    >>> print(solution_text(find_exercise("losses.softmax_gradient")))
    p = softmax(logits)
    p[label] -= 1
    return p
    """
    if exercise.id in WORKED:
        return body_of(WORKED[exercise.id])
    reference = exercise.reference
    parameters = list(inspect.signature(reference).parameters) if callable(reference) else []
    statements = _statements(exercise.hints[-1])
    if statements and _stands_alone(statements, parameters):
        return "\n".join(statements)
    if inspect.isfunction(reference) and reference.__name__ != "<lambda>":
        body = body_of(reference)
        if _stands_alone([body], parameters):
            return body
    expected = "a last hint that is code, a reference that stands alone, or a function in WORKED"
    raise value_error(exercise.id, received="none of these", expected=expected)


def body_of(function: Callable[..., Any]) -> str:
    """Return the source of a function's body, without its docstring.

    Args:
        function: A function with a source file.

    >>> from deployworkbook.exercises.folding import fold_html
    >>> body_of(fold_html)[:35]
    'return f"<details><summary>{escape('
    """
    source = textwrap.dedent(inspect.getsource(function))
    defined = ast.parse(source).body[0]
    if not isinstance(defined, ast.FunctionDef):
        raise TypeError(f"{function.__name__}: expected a function that was defined with def.")
    first = defined.body[1] if ast.get_docstring(defined) else defined.body[0]
    lines = source.splitlines()[first.lineno - 1 : defined.end_lineno]
    return textwrap.dedent("\n".join(lines))


def imports_of(text: str) -> list[str]:
    """Return the names that a solution needs to import, in order.

    Args:
        text: Code.

    >>> imports_of("return np.sqrt(math.pi)")
    ['math', 'np']
    """
    used = _used(parsed(text))
    return [name for name in IMPORTS if name in used]


@lru_cache(maxsize=1024)
def parsed(source: str) -> tuple[ast.stmt, ...]:
    r"""Return the statements of a cell or a hint; none if it isn't Python.

    Callers share the result, so it must not be changed.

    Args:
        source: Text. Lines of magics, such as ``%matplotlib inline``, count as ``pass``.

    >>> len(parsed("%matplotlib inline\nx = 1")), parsed("How many?")
    (2, ())
    """
    lines = ("pass" if line.startswith(("%", "!")) else line for line in source.split("\n"))
    try:
        return tuple(ast.parse("\n".join(lines)).body)
    except (SyntaxError, ValueError, RecursionError):
        return ()


def _statements(hint: str) -> list[str]:
    """Return a hint's statements, the last with ``return``; none if the hint isn't code."""
    nodes = parsed(hint)
    found = [ast.get_source_segment(hint, node) or "" for node in nodes]
    if not nodes or max(map(len, found)) > WIDEST:
        return []
    if isinstance(nodes[-1], ast.Expr):
        found[-1] = f"return {found[-1]}"
    return found if isinstance(nodes[-1], ast.Expr | ast.Return) else []


def _stands_alone(texts: Sequence[str], parameters: Sequence[str]) -> bool:
    """Return whether code uses only its parameters, what it assigns, and what can be imported."""
    nodes = [node for text in texts for node in parsed(text)]
    return bool(nodes) and _used(nodes) <= {*parameters, *IMPORTS, *dir(builtins)}


def _used(nodes: Iterable[ast.stmt]) -> set[str]:
    """Return the names that code reads and doesn't assign itself."""
    names = [each for node in nodes for each in ast.walk(node) if isinstance(each, ast.Name)]
    inner = [each for node in nodes for each in ast.walk(node) if isinstance(each, ast.arg)]
    own = [e for n in nodes for e in ast.walk(n) if isinstance(e, ast.FunctionDef)]
    assigned = {each.id for each in names if isinstance(each.ctx, ast.Store)}
    read = {each.id for each in names if isinstance(each.ctx, ast.Load)}
    return read - assigned - {each.arg for each in inner} - {each.name for each in own}
