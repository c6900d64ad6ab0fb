"""The sections of a lesson: their cells, their minutes, and what they ask.

A section begins with a Markdown cell whose first line is a heading of level 2, and ends before the
next one. That cell's metadata hold what a teacher plans with::

    {"deployworkbook": {"minutes": {"talk": 4, "exercise": 6, "discussion": 2}, "core": true,
                        "say": "Ask who would notice."}}
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from deployworkbook.jupyter.lessons import Lesson
from deployworkbook.validation import did_you_mean, value_error

Cell = dict[str, Any]

HEADING = re.compile(r"## (.+)")
NUMBERED = re.compile(r"(\d+)\. ")
ASKED = re.compile(r"\b(check|predict)\(\s*\"([a-z0-9_.]+)\"")
# **Exercise 2** (about ten minutes): the name, then what it says of its time, if anything.
EXERCISE = re.compile(r"\*\*(Exercise \d+)\b(?:\*\*)?(?: \((?:about )?([a-z ]+) minutes)?")
TASK_BEGINS = re.compile(r"^\*\*(?:Exercise \d+|Try one)[^.]*\.(?:\*\*)? ")
LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
# What lessons promise; "ten to fifteen" is the mean of the two. Where they say nothing: two.
PROMISED_MINUTES = {
    "": 2,
    "two": 2,
    "three": 3,
    "five": 5,
    "ten": 10,
    "ten to fifteen": 12.5,
    "fifteen": 15,
}


@dataclass(frozen=True)
class Minutes:
    """What a section takes in a class, in minutes, without the waiting for its cells.

    Args:
        talk: The teacher explains, or learners read.
        exercise: Learners work.
        discussion: The class compares answers.
    """

    talk: float = 0
    exercise: float = 0
    discussion: float = 0

    @property
    def total(self) -> float:
        """All of them together."""
        return self.talk + self.exercise + self.discussion


@dataclass(frozen=True)
class Section:
    """A section of a lesson.

    Args:
        lesson: Its lesson.
        place: Its place in the lesson, from 1.
        title: Its heading.
        cells: Its cells, as in the notebook; the heading's first.
        minutes: What it takes in a class.
        is_core: Whether a class that is late should still do it.
        say: What the teacher may say, in whole sentences; may be empty.
    """

    lesson: Lesson
    place: int
    title: str
    cells: tuple[Cell, ...]
    minutes: Minutes
    is_core: bool
    say: str = ""

    @property
    def is_optional(self) -> bool:
        """Whether its heading says that it is optional; the lesson's minutes leave it out."""
        return "optional" in self.title.lower()

    @property
    def exercises(self) -> tuple[str, ...]:
        """Names of the exercises that its cells check, in order."""
        return self._asked("check")

    @property
    def exercise_minutes(self) -> dict[str, float]:
        """What each exercise takes, in minutes, by its name: as the lesson's text promises."""
        found = {name: EXERCISE.search(above) for name, above in _asked_in(self.cells)}
        return {name: PROMISED_MINUTES[(title and title[2]) or ""] for name, title in found.items()}

    @property
    def predictions(self) -> tuple[str, ...]:
        """Names of the guesses that its cells ask for, in order."""
        return self._asked("predict")

    def _asked(self, call: str) -> tuple[str, ...]:
        code = [source_of(cell) for cell in self.cells if cell["cell_type"] == "code"]
        return tuple(
            name for text in code for called, name in ASKED.findall(text) if called == call
        )


def sections_of(lesson: Lesson) -> list[Section]:
    """Return a lesson's sections in order; what stands before the first heading is in none.

    Args:
        lesson: The lesson, as shipped.

    >>> from deployworkbook.jupyter.lessons import find_lesson
    >>> sections_of(find_lesson("02"))[1].title
    '1. Mean squared error'
    """
    found: list[tuple[str, list[Cell]]] = []
    for cell in _cells_of(lesson):
        heading = heading_of(cell)
        if heading:
            found.append((heading, []))
        if found:
            found[-1][1].append(cell)
    return [
        _section(lesson, place, title, cells) for place, (title, cells) in enumerate(found, start=1)
    ]


def find_section(lesson: Lesson, wanted: str) -> Section:
    """Find a section by the number in its heading, its heading, or a part of it.

    Args:
        lesson: The lesson, as shipped.
        wanted: For example ``3``, ``3.`` or ``cross-entropy``; upper case doesn't matter.

    Raises:
        ValueError: There is no such section, or there are several; the message lists them.

    >>> from deployworkbook.jupyter.lessons import find_lesson
    >>> find_section(find_lesson("02"), "3").title
    '3. Cross-entropy'
    """
    sections = sections_of(lesson)
    titles = [_plain(section.title) for section in sections]
    text = _plain(wanted)
    number = text.rstrip(".")
    for title, section in zip(titles, sections, strict=True):
        if text in (title, _without_number(title)) or title.startswith(f"{number}. "):
            return section
    found = [each for title, each in zip(titles, sections, strict=True) if text and text in title]
    if len(found) == 1:
        return found[0]
    names = "; ".join(section.title for section in found or sections)
    near = did_you_mean(text, [*titles, *map(_without_number, titles)])
    numbers = [match[1] for match in map(NUMBERED.match, titles) if match]
    expected = f"one of {names}"
    if numbers:
        expected = f"one of {names}; or a number from {numbers[0]} to {numbers[-1]}"
    raise value_error("section", received=repr(wanted), expected=expected, remedy=near)


def exercise_titles(lesson: Lesson) -> dict[str, str]:
    """Return what a lesson calls each exercise, by its name; one without a number is left out.

    Args:
        lesson: The lesson, as shipped.

    >>> from deployworkbook.jupyter.lessons import find_lesson
    >>> exercise_titles(find_lesson("02"))["losses.softmax_gradient"]
    'Exercise 3'
    """
    titles = {name: EXERCISE.search(above) for name, above in _asked_in(_cells_of(lesson))}
    return {name: title[1] for name, title in titles.items() if title}


def exercise_tasks(lesson: Lesson) -> dict[str, str]:
    """Return what a lesson asks in each exercise, as Markdown without links, by its name.

    Args:
        lesson: The lesson, as shipped.

    >>> from deployworkbook.jupyter.lessons import find_lesson
    >>> exercise_tasks(find_lesson("05"))["quantization.quantize"]
    'Write the affine form: real numbers in, integers out.'
    """
    return {name: _task(above) for name, above in _asked_in(_cells_of(lesson))}


def _task(above: str) -> str:
    begins = EXERCISE.search(above)
    # One without a number is asked in the last paragraph.
    task = above[begins.start() :] if begins else above.rpartition("\n\n")[2]
    return LINK.sub(r"\1", TASK_BEGINS.sub("", task, count=1)).strip()


def _asked_in(cells: Iterable[Cell]) -> Iterator[tuple[str, str]]:
    """Yield the name of each exercise, and the text of the Markdown cell above its check."""
    above = ""
    for cell in cells:
        text = source_of(cell)
        if cell["cell_type"] == "markdown":
            above = text
            continue
        for call, name in ASKED.findall(text):
            if call == "check":
                yield name, above


def _cells_of(lesson: Lesson) -> list[Cell]:
    cells: list[Cell] = json.loads(lesson.path.read_text(encoding="utf-8"))["cells"]
    return cells


def source_of(cell: Cell) -> str:
    r"""Return a cell's text, which notebooks store whole or line by line.

    >>> source_of({"source": ["a = 1\n", "a"]})
    'a = 1\na'
    """
    return "".join(cell["source"])


def heading_of(cell: Cell) -> str:
    """Return the title of the section that a cell begins; empty if it begins none.

    >>> heading_of({"cell_type": "markdown", "source": "## 1. One step"})
    '1. One step'
    """
    heading = HEADING.match(source_of(cell)) if cell["cell_type"] == "markdown" else None
    return heading[1].strip() if heading else ""


def _plain(title: str) -> str:
    return " ".join(title.replace("`", "").casefold().split())


def _without_number(title: str) -> str:
    return title.removeprefix(match[0]) if (match := NUMBERED.match(title)) else title


def _section(lesson: Lesson, place: int, title: str, cells: list[Cell]) -> Section:
    about = cells[0]["metadata"].get("deployworkbook", {})
    minutes = Minutes(**about.get("minutes", {}))
    say = about.get("say", "")
    return Section(lesson, place, title, tuple(cells), minutes, about.get("core", True), say)
