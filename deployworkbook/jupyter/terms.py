"""The page of terms: what each means, and the lesson that introduces it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources

from deployworkbook.jupyter.lessons import Lesson, find_lesson
from deployworkbook.workspace.folder import Workspace

# The page's name in a learner's folder, to which lessons link.
TERMS_PAGE = "terms.md"


@dataclass(frozen=True)
class Term:
    """A term of the workbook.

    Args:
        name: The term, as lessons write it within a sentence.
        meaning: What it means, in a line.
        lesson: The lesson that introduces it.
    """

    name: str
    meaning: str
    lesson: Lesson


def load_terms() -> list[Term]:
    """Return all terms, in the order of ``terms.toml``.

    Raises:
        ValueError: A term names a lesson that doesn't exist.

    >>> next(term.lesson.number for term in load_terms() if term.name == "softmax")
    '02'
    """
    text = (resources.files("deployworkbook.jupyter") / "terms.toml").read_text(encoding="utf-8")
    return [
        Term(name, about["meaning"], find_lesson(about["lesson"]))
        for name, about in tomllib.loads(text).items()
    ]


def terms_as_markdown() -> str:
    """Return the page of terms, with a link to each term's lesson.

    >>> print(terms_as_markdown().splitlines()[0])
    # Terms
    """
    rows = [
        f"| **{term.name}** | {term.meaning} "
        f"| [{term.lesson.number} {term.lesson.title}]({term.lesson.path.name}) |"
        for term in load_terms()
    ]
    head = "# Terms\n\nEach term, and the lesson that introduces it.\n"
    return "\n".join([head, "| term | meaning | lesson |", "|---|---|---|", *rows, ""])


def install_terms(workspace: Workspace) -> None:
    """Write the page of terms beside a learner's lessons; a copy that differs is backed up.

    Args:
        workspace: The learner's workspace.

    Raises:
        OSError: The folder is not writable.
    """
    workspace.write_keeping_edits(workspace.root / TERMS_PAGE, terms_as_markdown())
