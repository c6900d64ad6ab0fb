"""A learner who fell behind: their copy of a lesson, with the answers up to a section filled in.

What they have written stays. The file as it was is in the backups before it is replaced.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployworkbook.exercises.filling import checked_in
from deployworkbook.exercises.progress import record_filled, solved_exercises
from deployworkbook.exercises.registry import EXERCISES
from deployworkbook.jupyter.lessons import Lesson, catalogue, find_lesson, lessons_lock, reset
from deployworkbook.jupyter.sections import Section, find_section, sections_of, source_of
from deployworkbook.teaching.filling_up import Filling, fill_cells
from deployworkbook.validation import message
from deployworkbook.workspace.folder import Workspace, sha256_of

Notebook = dict[str, Any]

RESTORE = "`deployworkbook reset {number}` restores the lesson, and backs up this file first."


@dataclass(frozen=True)
class CaughtUp:
    """What ``catch_up_file`` did.

    Args:
        path: The learner's notebook.
        section: The section before which the answers are filled in.
        filling: What happened to each exercise.
        backup: The notebook as it was; ``None`` if it wasn't edited, or nothing was filled in.
    """

    path: Path
    section: Section
    filling: Filling
    backup: Path | None = None


def catch_up_file(
    workspace: Workspace, lesson: str, section: str, *, replace: bool = False
) -> CaughtUp:
    """Fill in the answers before a section, in a learner's copy of a lesson.

    Args:
        workspace: The learner's folder; a lesson that is missing there is put into it.
        lesson: Number or name of the lesson, or the path of a notebook.
        section: Number of the section, its heading, or a part of the heading.
        replace: Whether to replace answers that no check has found right yet. The old ones become
            comments.

    Returns:
        What was done.

    Raises:
        ValueError: There is no such lesson or section, or the file is no notebook of the lesson.
        OSError: A file can't be read or written.
    """
    path, chosen = _find(workspace, lesson)
    target = find_section(chosen, section)
    before = [each for each in sections_of(chosen) if each.place < target.place]
    exercises = [name for each in before for name in each.exercises]
    shipped = {name: text for each in before for name, text in _exercise_cells(each)}
    with lessons_lock(workspace.create()):
        data = path.read_bytes()
        notebook = _checked(path, chosen, data)
        unsolved = set(exercises) - solved_exercises(workspace) if replace else set()
        filling = fill_cells(notebook["cells"], exercises, shipped, replace=unsolved)
        changed = [*filling.filled, *filling.replaced]
        if not changed:
            return CaughtUp(path, target, filling)
        text = _as_text(notebook | {"cells": filling.cells})
        if path.read_bytes() != data:
            raise OSError(f"{path} was saved just now, so nothing was changed. Run this again.")
        known = {sha256_of(chosen.path.read_bytes())}
        backup = workspace.write_keeping_edits(path, text, known=known)
    record_filled(changed, workspace=workspace)
    return CaughtUp(path, target, filling, backup)


def read_learners(path: Path, lesson: Lesson) -> Notebook:
    """Read a learner's copy of a lesson, as it is; nothing in it is repaired.

    Args:
        path: The file.
        lesson: The lesson, for the remedy in an error.

    Raises:
        ValueError: It is no notebook.
        OSError: It can't be read.
    """
    return _checked(path, lesson, path.read_bytes())


def _checked(path: Path, lesson: Lesson, data: bytes) -> Notebook:
    notebook, problem = _read(data)
    if problem:
        raise ValueError(
            message(
                str(path),
                received=problem,
                expected="a notebook of format 4",
                remedy=f"Nothing was changed. {RESTORE.format(number=lesson.number)}",
            )
        )
    return notebook


def _read(data: bytes) -> tuple[Notebook, str]:
    """Return a notebook, and what is wrong with it, if anything is."""
    try:
        notebook = json.loads(data)
    except (ValueError, RecursionError) as error:
        return {}, f"a file that isn't JSON ({str(error).partition(chr(10))[0]})"
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        return {}, "JSON without a list of cells"
    if not all(map(_is_cell, cells)):
        return {}, "a list with something that isn't a cell"
    return notebook, ""


def _is_cell(cell: object) -> bool:
    source = cell.get("source") if isinstance(cell, dict) else None
    is_text = isinstance(source, str) or (
        isinstance(source, list) and all(isinstance(line, str) for line in source)
    )
    return isinstance(cell, dict) and is_text and isinstance(cell.get("cell_type"), str)


def _find(workspace: Workspace, wanted: str) -> tuple[Path, Lesson]:
    """Find a learner's notebook and its lesson."""
    named = Path(wanted)
    if named.suffix == ".ipynb" and named.is_file():
        lesson = _lesson_of(named)
        if named.samefile(lesson.path):
            received = "the lesson itself, which all copies are made from"
            raise ValueError(message(wanted, received=received, expected="your own copy of it"))
        return named.resolve(), lesson
    lesson = find_lesson(wanted)
    path = workspace.root / lesson.path.name
    if path.exists():
        return path, lesson
    renamed = [each for each in _notebooks(workspace) if _is_copy_of(each, lesson)]
    if renamed:
        names = ", ".join(each.name for each in renamed)
        raise ValueError(
            f"{path.name} isn't in {workspace.root}, but copies of this lesson are: {names}. Name "
            f"the file that you mean, or get a new copy: `deployworkbook reset {lesson.number}`."
        )
    reset(workspace, lesson)
    return path, lesson


def _notebooks(workspace: Workspace) -> Iterator[Path]:
    if workspace.root.is_dir():
        yield from (each for each in sorted(workspace.root.glob("*.ipynb")) if each.is_file())


def _lesson_of(path: Path) -> Lesson:
    """Return the lesson that a notebook is a copy of."""
    for lesson in catalogue():
        if path.name == lesson.path.name or _is_copy_of(path, lesson):
            return lesson
    expected = "a copy of a lesson"
    remedy = "Give the number of the lesson, such as 05."
    raise ValueError(
        message(str(path), received="another notebook", expected=expected, remedy=remedy)
    )


def _is_copy_of(path: Path, lesson: Lesson) -> bool:
    about = _read(path.read_bytes())[0].get("metadata")
    own = about.get("deployworkbook") if isinstance(about, dict) else None
    return isinstance(own, dict) and own.get("title") == lesson.title and "teacher_copy" not in own


def _exercise_cells(section: Section) -> Iterator[tuple[str, str]]:
    for cell in section.cells:
        if cell["cell_type"] == "code":
            source = source_of(cell)
            yield from ((name, source) for name in checked_in(source) if name in EXERCISES)


def _as_text(notebook: Notebook) -> str:
    """Return a notebook as JupyterLab writes it."""
    text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    try:
        text.encode()
    except UnicodeEncodeError:  # an unpaired surrogate, which only its escape can express
        text = json.dumps(notebook, indent=1) + "\n"
    return text
