"""The workbook's terms in English and Chinese: looked up, and as a page that lessons link to."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from deployworkbook.jupyter.lessons import Lesson, catalogue, find_lesson
from deployworkbook.validation import did_you_mean, value_error
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
        chinese: The term in Chinese (simplified characters).
        chinese_meaning: What it means, in a line of Chinese.
        forms: Other words for it that lessons use or readers look up, such as ``prune``.
        latin: Whether Chinese texts write it in Latin letters, too.
    """

    name: str
    meaning: str
    lesson: Lesson
    chinese: str
    chinese_meaning: str
    forms: tuple[str, ...] = ()
    latin: bool = False

    @property
    def anchor(self) -> str:
        """The name of its place on the page of terms.

        It has only lower-case letters, digits and hyphens, which every reader of Markdown and HTML
        takes as they are.
        """
        plain = self.name.casefold().replace("'", "")
        return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def load_terms() -> list[Term]:
    """Return all terms, in the order of ``terms.toml``.

    Raises:
        ValueError: A term names a lesson that doesn't exist.

    >>> momentum = next(term for term in load_terms() if term.name == "momentum")
    >>> momentum.lesson.number, momentum.chinese
    ('03', '动量')
    """
    text = (resources.files("deployworkbook.jupyter") / "terms.toml").read_text(encoding="utf-8")
    entries = tomllib.loads(text)
    lessons = {lesson.name: lesson for lesson in catalogue()}
    return [
        Term(
            name,
            about["meaning"],
            lessons.get(about["lesson"]) or find_lesson(about["lesson"]),
            about["chinese"],
            about["chinese_meaning"],
            tuple(about.get("forms", ())),
            about.get("latin", False),
        )
        for name, about in entries.items()
    ]


def look_up(query: str, terms: Sequence[Term]) -> list[Term]:
    """Find terms by a word in either language.

    Args:
        query: A term, another form of it, or a part of one; in English or Chinese.
        terms: The terms to search.

    Returns:
        The terms that are called exactly so; if there are none, those that contain it.

    Raises:
        ValueError: No term contains it; the message suggests the closest.

    >>> [term.name for term in look_up("过拟合", load_terms())]
    ['overfitting']
    """
    wanted = " ".join(query.casefold().split())
    names = {term: [each.casefold() for each in _names(term)] for term in terms}
    exact = [term for term in terms if wanted in names[term]]
    if exact:
        return exact
    found = [term for term in terms if wanted and any(wanted in name for name in names[term])]
    if found:
        return found
    raise value_error(
        "term",
        received=repr(query),
        expected=f"one of {len(terms)} terms, in English or Chinese, or a part of one",
        remedy=did_you_mean(wanted, [name for each in names.values() for name in each])
        or "deployworkbook terms lists all of them.",
    )


def terms_as_markdown() -> str:
    """Return the page of terms, in both languages, with a link to each term's lesson.

    >>> print(terms_as_markdown().splitlines()[0])
    # Terms
    """
    head = (
        "# Terms\n\n"
        "Each term in English and in Chinese, and the lesson that introduces it. "
        "Lessons link to this page where they first use a term.\n"
    )
    rows = [_row(term) for term in load_terms()]
    return "\n".join([head, "| term | meaning | lesson |", "|---|---|---|", *rows, ""])


def install_terms(workspace: Workspace) -> None:
    """Write the page of terms beside a learner's lessons; a copy that differs is backed up.

    Args:
        workspace: The learner's workspace.

    Raises:
        OSError: The folder is not writable.
    """
    workspace.write_keeping_edits(workspace.root / TERMS_PAGE, terms_as_markdown())


def _names(term: Term) -> tuple[str, ...]:
    # A term such as "内存（RAM）" is found by either of its parts.
    parts = re.split(r"[（）]", term.chinese)
    return (term.name, *term.forms, term.chinese, *filter(None, parts))


def _row(term: Term) -> str:
    lesson = f"[{term.lesson.number} {term.lesson.title}]({term.lesson.path.name})"
    name = f'<span id="{term.anchor}"></span>**{term.name}**<br>{_in_chinese(term.chinese)}'
    return f"| {name} | {term.meaning}<br>{_in_chinese(term.chinese_meaning)} | {lesson} |"


def _in_chinese(text: str) -> str:
    # Browsers choose the characters' shapes, and screen readers their voice, by the language.
    return f'<span lang="zh-Hans">{text}</span>'
