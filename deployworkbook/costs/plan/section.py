"""A section of a plan's page."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """A part of the page: a heading, sentences, a table, a list, commands."""

    title: str
    text: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    items: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    is_small: bool = False

    def is_number(self, column: int) -> bool:
        """Say whether a column of the table holds numbers, which are aligned to the right."""
        return self.head[column].startswith("USD") or self.head[column] == "share"
