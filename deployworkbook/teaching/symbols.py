"""What a handout says about its formulas, as the lesson around them isn't there."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from deployworkbook.jupyter.sections import Section


@dataclass(frozen=True)
class Reading:
    """How the formulas of a section are read without the lesson.

    Args:
        symbols: What their symbols mean, as Markdown; may be empty.
        steps: Beginnings of formulas that only lead to another one.
        instead: Beginnings of sentences before formulas that refer to something else in the
            lesson, and what is said instead; may be empty.
    """

    symbols: str = ""
    steps: tuple[str, ...] = ()
    instead: tuple[tuple[str, str], ...] = ()

    def keeps(self, latex: str) -> bool:
        """Return whether a formula is more than a step.

        Args:
            latex: The formula, without dollar signs.
        """
        return not latex.startswith(self.steps)

    def lead(self, sentence: str) -> str:
        """Return what is said before a formula.

        Args:
            sentence: What the lesson says there, as Markdown.
        """
        for beginning, other in self.instead:
            if sentence.startswith(beginning):
                return other
        return sentence


def reading_of(section: Section) -> Reading:
    """Return how the formulas of a section are read.

    Args:
        section: The section.
    """
    return all_readings().get((section.lesson.number, plain_title(section)), Reading())


def plain_title(section: Section) -> str:
    """Return a section's title without backticks.

    Args:
        section: The section.
    """
    return section.title.replace("`", "")


@cache
def all_readings() -> dict[tuple[str, str], Reading]:
    """Return the readings of ``symbols.toml``, by the lesson's number and the section's title."""
    file = resources.files("deployworkbook.teaching") / "symbols.toml"
    return {
        (number, title): Reading(
            entry["symbols"],
            tuple(entry.get("steps", ())),
            tuple((beginning, other) for beginning, other in entry.get("instead", ())),
        )
        for number, sections in tomllib.loads(file.read_text(encoding="utf-8")).items()
        for title, entry in sections.items()
    }
