"""The numbers of exercises, as learners read them above the cell: 3 in "Exercise 3"."""

from __future__ import annotations

import re

from deployworkbook.jupyter.sections import ASKED, Section, source_of

HEADED = re.compile(r"\*\*Exercise (\d+)")


def numbers_of(section: Section) -> dict[str, int]:
    """Return the numbers of a section's exercises by their names; some have none.

    Args:
        section: The section.

    >>> from deployworkbook.jupyter.lessons import find_lesson
    >>> from deployworkbook.jupyter.sections import find_section
    >>> numbers_of(find_section(find_lesson("05"), "3"))
    {'quantization.per_channel': 3}
    """
    numbers: dict[str, int] = {}
    latest: int | None = None
    for cell in section.cells:
        text = source_of(cell)
        if cell["cell_type"] == "markdown":
            headed = HEADED.findall(text)
            latest = int(headed[-1]) if headed else latest
            continue
        for called, name in ASKED.findall(text):
            if called == "check" and latest is not None:
                numbers[name] = latest
                latest = None
    return numbers
