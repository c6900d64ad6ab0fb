"""Folds: what a reader opens on purpose, such as a solution."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any


@dataclass(frozen=True)
class Fold:
    """A text behind a title, which a click opens; a terminal shows both.

    Args:
        title: What is folded.
        text: The text.
    """

    title: str
    text: str

    def __str__(self) -> str:
        return f"{self.title}: {self.text}"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """Return the fold for a notebook, as HTML and text."""
        shown = f'<pre style="white-space: pre-wrap">{escape(self.text)}</pre>'
        return {"text/html": fold_html(self.title, shown), "text/plain": str(self)}


def fold_html(title: str, content: str) -> str:
    """Return HTML that a click on its title opens.

    Args:
        title: Title, as text.
        content: What is folded, as HTML.

    >>> fold_html("Answer", "<p>4</p>")
    '<details><summary>Answer</summary><p>4</p></details>'
    """
    return f"<details><summary>{escape(title)}</summary>{content}</details>"
