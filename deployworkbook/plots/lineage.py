"""A model's versions as a family tree: which came from which, and by what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployworkbook.plots.picture import COLOURS, Picture, styled_without_grid
from deployworkbook.plots.words import byte_size, counted

if TYPE_CHECKING:
    from deployworkbook.serving.repository.lineage import Lineage, LineageVersion

COLUMN_IN, ROW_IN = 2.3, 1.25
LEAST_WIDTH_IN, MOST_WIDTH_IN = 4.0, 12.0
BOX_WIDTH, BOX_HEIGHT = 0.74, 0.66


@styled_without_grid
def lineage_picture(lineage: Lineage) -> Picture:
    """Draw each version to the right of the one it came from, with labels in colour.

    Args:
        lineage: The versions, from ``lineage_of``; at least one.
    """
    places = _places(lineage)
    columns = 1 + max((column for column, _ in places.values()), default=0)
    rows = 1 + max((row for _, row in places.values()), default=0)
    width = min(MOST_WIDTH_IN, max(LEAST_WIDTH_IN, COLUMN_IN * columns))
    picture = Picture(width, ROW_IN * rows + 0.3, alt=_said(lineage))
    axes = picture.subplots()
    axes.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
    axes.axis("off")
    for version in lineage.versions:
        column, row = places[version.number]
        colour = COLOURS[3] if version.labels else COLOURS[1]
        axes.text(
            column,
            row,
            _lines(version),
            ha="center",
            va="center",
            bbox={"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": colour},
        )
        if version.parent in places:
            from_column, from_row = places[version.parent]
            start, end = from_column + BOX_WIDTH / 2, column - BOX_WIDTH / 2
            axes.annotate(
                "",
                xy=(end, row),
                xytext=(start, from_row),
                arrowprops={"arrowstyle": "->", "color": COLOURS[0]},
            )
            if version.made_by:
                axes.text(
                    column, row + BOX_HEIGHT / 2 + 0.1, version.made_by, ha="center", va="top"
                )
    return picture


def _places(lineage: Lineage) -> dict[int, tuple[int, int]]:
    """Give each version a column, by its generation, and a row: a first child stays in its own."""
    places: dict[int, tuple[int, int]] = {}
    taken: set[tuple[int, int]] = set()
    lowest = -1
    for version in lineage.versions:
        parent = places.get(version.parent) if version.parent is not None else None
        place = (0, lowest + 1) if parent is None else (parent[0] + 1, parent[1])
        if place in taken:
            place = (place[0], lowest + 1)
        lowest = max(lowest, place[1])
        places[version.number] = place
        taken.add(place)
    return places


def _lines(version: LineageVersion) -> str:
    labels = f" ({', '.join(version.labels)})" if version.labels else ""
    accuracy = "" if version.accuracy is None else f", {version.accuracy:.2%}"
    lines = [f"version {version.number}{labels}", version.variant]
    lines.append(f"{byte_size(version.size_bytes)}{accuracy}")
    return "\n".join(line for line in lines if line)


def _said(lineage: Lineage) -> str:
    sentences = []
    for version in lineage.versions:
        labels = f", labelled {' and '.join(version.labels)}" if version.labels else ""
        by = f" by {version.made_by}" if version.made_by else ""
        origin = "has no parent" if version.parent is None else f"came from {version.parent}{by}"
        sentences.append(f"Version {version.number}{labels}, {origin}.")
    count = counted(len(lineage.versions), "version")
    return f"The lineage of {lineage.model}, {count}. {' '.join(sentences)}"
