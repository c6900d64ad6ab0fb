"""Folded sections of a lesson, as a page folds them."""

from __future__ import annotations

import re
from itertools import chain

from nbformat import NotebookNode

# JupyterLab's mark of a cell whose heading is collapsed.
COLLAPSED = "jp-MarkdownHeadingCollapsed"
# What a page's template reads from a cell's metadata.
FOLD = "deployworkbook_fold"

HEADING = re.compile(r"(#{1,6}) .+")


def mark_folds(notebook: NotebookNode) -> None:
    """Mark where folds begin and end, in place: a collapsed heading folds all of its section.

    A section ends before the next heading of its level or a higher one, as in JupyterLab. Each
    cell's metadata get the heading of the fold that begins with it, which is taken out of the cell,
    and the number of folds that end after it.

    Args:
        notebook: Notebook with the headings that JupyterLab has collapsed.
    """
    cells = notebook.cells
    levels: list[int] = []
    for place, cell in enumerate(cells):
        heading = ""
        found = HEADING.match(cell.source) if cell.cell_type == "markdown" else None
        if found and cell.metadata.get(COLLAPSED) is True:
            heading = found[0]
            cell.source = cell.source[found.end() :].strip("\n")
            levels.append(len(found[1]))
        following = _level(cells[place + 1]) if place + 1 < len(cells) else 0
        ends = sum(level >= following for level in levels)
        levels = [level for level in levels if level < following]
        cell.metadata[FOLD] = {"heading": heading, "ends": ends}


def _level(cell: NotebookNode) -> int:
    """Return the level of a cell's highest heading, and 7 for a cell without one."""
    if cell.cell_type != "markdown":
        return 7
    # A line of a code block may begin like a heading.
    text = re.sub(r"^```.*?^```", "", cell.source, flags=re.DOTALL | re.MULTILINE)
    found = re.findall(r"^(#{1,6}) ", text, re.MULTILINE)
    return min(chain(map(len, found), [7]))
