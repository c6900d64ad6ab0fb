"""Catching up in a running kernel, without touching the notebook's file."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from IPython.core.getipython import get_ipython
from IPython.utils.capture import capture_output

from deployworkbook.exercises.filling import answer_name, checked_in, fill, without_check
from deployworkbook.exercises.judging import judge
from deployworkbook.exercises.registry import EXERCISES
from deployworkbook.jupyter.lessons import Lesson, find_lesson
from deployworkbook.jupyter.sections import Section, find_section, sections_of, source_of

BEGINS = (
    "Running {cells} cells of lesson {lesson}, up to “{section}”. That takes as long as running "
    "them yourself."
)
ENDS = "Done. Go on with “{section}”. Your notebook's file is unchanged."
FAILED = "Cell {cell} of {cells} failed, so the later ones didn't run:\n\n{source}"


def catch_up(lesson: str, section: str | int) -> None:
    """Run a lesson's cells before a section in this notebook's kernel, with all answers filled in.

    Afterwards the kernel knows what it would know if you had come so far. Nothing in your notebook
    changes, and no exercise counts as solved. Parameters that you have set, and answers that are
    right, stay as they are; other variables of the same names are overwritten. What the cells
    print and show is left out.

    Args:
        lesson: Number or name of the lesson, such as ``05``.
        section: Number of the section to go on with, its heading, or a part of the heading.

    Raises:
        ValueError: There is no such lesson or section.
        RuntimeError: There is no kernel, or a cell failed; the error says which.

    In a notebook:

        from deployworkbook.teaching import catch_up

        catch_up("05", 3)
    """
    chosen = find_lesson(lesson)
    target = find_section(chosen, str(section))
    shell = get_ipython()
    if shell is None:
        raise RuntimeError("catch_up needs a notebook's kernel. Call it in a cell of the lesson.")
    cells = list(_cells_before(chosen, target))
    print(BEGINS.format(cells=len(cells), lesson=chosen.number, section=target.title))
    for number, cell in enumerate(cells, start=1):
        source = _to_run(cell, shell.user_ns)
        with capture_output() as shown:
            result = shell.run_cell(source, store_history=False)
        if not result.success:
            print(shown.stdout)
            reason = FAILED.format(cell=number, cells=len(cells), source=source)
            raise RuntimeError(reason) from (result.error_in_exec or result.error_before_exec)
    print(ENDS.format(section=target.title))


def _cells_before(lesson: Lesson, target: Section) -> Iterator[dict[str, Any]]:
    for section in sections_of(lesson):
        if section.place < target.place:
            yield from (cell for cell in section.cells if cell["cell_type"] == "code")


def _to_run(cell: dict[str, Any], known: Mapping[str, Any]) -> str:
    """Return what to run of a cell: what isn't there yet, and no checks."""
    source = source_of(cell)
    if "parameters" in cell["metadata"].get("tags", []):
        return _missing_parameters(source, known)
    for name in checked_in(source):
        answer = known.get(answer_name(source, name) or "")
        if judge(EXERCISES[name], answer).status != "right":
            source = fill(source, EXERCISES[name], why="by catch_up.")
        else:
            source = _without_stub(source)
    return without_check(source)


def _missing_parameters(source: str, known: Mapping[str, Any]) -> str:
    nodes = [node for node in ast.parse(source).body if not _sets(node, known)]
    return "\n".join(map(ast.unparse, nodes))


def _sets(node: ast.stmt, known: Mapping[str, Any]) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else []
    return any(isinstance(each, ast.Name) and each.id in known for each in targets)


def _without_stub(source: str) -> str:
    """Return a cell's imports alone: its answer is known."""
    nodes = ast.parse(source).body
    return "\n".join(
        ast.unparse(each) for each in nodes if isinstance(each, ast.Import | ast.ImportFrom)
    )
