"""Answers filled into the cells of a learner's notebook, and nothing else touched."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from deployworkbook.exercises.filling import (
    MARK,
    answer_name,
    binds,
    checked_in,
    fill,
    find_stub,
    is_filled,
    names_of_imports,
)
from deployworkbook.exercises.registry import EXERCISES
from deployworkbook.jupyter.sections import Cell, source_of

FILLED_BY = "by catchup. If you write your own answer, delete this line."
FILLED_ABOVE = f"{MARK} in a cell above, {FILLED_BY}"
EARLIER = "# Your earlier answer:"


@dataclass(frozen=True)
class Filling:
    """Cells with answers filled in, and what happened to each exercise, by name.

    Args:
        cells: All cells of the notebook, in their order.
        filled: Exercises that were unanswered, and are filled in now.
        kept: Exercises with an answer of the learner's, which stays.
        replaced: Exercises whose answer was replaced; the old one is a comment below.
        absent: Exercises that no code cell checks.
        done: Exercises that were filled in before.
    """

    cells: list[Cell]
    filled: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Place:
    """Where a cell checks an exercise, and the cell of its stub, if that is still there."""

    check: int
    stub: int | None
    name: str = ""


def fill_cells(
    cells: Iterable[Cell],
    exercises: Iterable[str],
    shipped: Mapping[str, str],
    *,
    replace: Collection[str] = (),
) -> Filling:
    """Fill in the answers that are missing in a notebook.

    An exercise is found by its ``check``, so it doesn't matter where a learner has moved its cell.
    It is unanswered if its stub is still there, in that cell or in the last one above that sets the
    answer. If an exercise is checked more than once, all of these must be unanswered.

    Args:
        cells: The notebook's cells; they aren't changed.
        exercises: Names of the exercises to fill in.
        shipped: For each of them, its cell as shipped.
        replace: Exercises whose answer is replaced even if there is one.
    """
    result = Filling(list(cells))
    for name in exercises:
        places = _places(result.cells, name)
        if not places:
            result.absent.append(name)
        elif any(is_filled(source_of(result.cells[place.check])) for place in places):
            result.done.append(name)
        elif all(place.stub is not None for place in places):
            _fill(result.cells, name, places[0])
            result.filled.append(name)
        elif name in replace:
            own = next(place for place in places if place.stub is None)
            _replace(result.cells, name, own.check, shipped[name])
            result.replaced.append(name)
        else:
            result.kept.append(name)
    return result


def _places(cells: list[Cell], exercise_id: str) -> list[_Place]:
    code = [index for index, cell in enumerate(cells) if cell["cell_type"] == "code"]
    return [
        _place(cells, code[: number + 1], exercise_id)
        for number, index in enumerate(code)
        if exercise_id in checked_in(source_of(cells[index]))
    ]


def _place(cells: list[Cell], code: list[int], exercise_id: str) -> _Place:
    """Look for the stub from the last of these cells upwards."""
    here = code[-1]
    name = answer_name(source_of(cells[here]), exercise_id)
    if name is None:
        return _Place(here, None)
    for index in reversed(code):
        source = source_of(cells[index])
        asked = checked_in(source)
        if binds(source, name) and (index == here or not asked):
            # A cell that was split has its stub in the part above.
            stub = find_stub(source, name, exercise_id if index == here else "")
            return _Place(here, index if stub else None, name)
        if index != here and asked:  # the answer of another exercise
            break
    return _Place(here, None, name)


def _fill(cells: list[Cell], exercise_id: str, place: _Place) -> None:
    index = place.check if place.stub is None else place.stub
    imported = names_of_imports(_code_above(cells, index))
    source = source_of(cells[index])
    new = fill(source, EXERCISES[exercise_id], why=FILLED_BY, name=place.name, imported=imported)
    cells[index] = _with_source(cells[index], new)
    if index != place.check:
        check = cells[place.check]
        cells[place.check] = _with_source(check, f"{FILLED_ABOVE}\n{source_of(check)}")


def _replace(cells: list[Cell], exercise_id: str, index: int, shipped: str) -> None:
    imported = names_of_imports(_code_above(cells, index))
    new = fill(shipped, EXERCISES[exercise_id], why=FILLED_BY, imported=imported)
    lines = re.split(r"\r\n|\r|\n", source_of(cells[index]))
    old = [f"# {line}" if line else "#" for line in lines]
    cells[index] = _with_source(cells[index], "\n".join([new, "", EARLIER, *old]))


def _code_above(cells: list[Cell], index: int) -> list[str]:
    return [source_of(cell) for cell in cells[:index] if cell["cell_type"] == "code"]


def _with_source(cell: Cell, source: str) -> Cell:
    """Return a cell with another text, whole or by line as before, without the old outputs."""
    text = source if isinstance(cell["source"], str) else source.splitlines(keepends=True)
    return cell | {"source": text, "outputs": [], "execution_count": None}
