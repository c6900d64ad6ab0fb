"""What a lesson leaves on one page: formulas, pictures, commands, terms.

All of it is read from the lesson itself, so it can't say anything else: formulas and commands from
its text, terms from the page of terms, and pictures from a run of the same cells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path

from deployworkbook.execution.outputs import read_notebook
from deployworkbook.jupyter.lessons import Lesson
from deployworkbook.jupyter.sections import LINK, Section, sections_of, source_of
from deployworkbook.jupyter.terms import Term, load_terms
from deployworkbook.teaching.symbols import plain_title, reading_of

DISPLAYED = re.compile(r"\$\$.+?\$\$", re.DOTALL)
COMMAND = re.compile(r"`(deployworkbook [^`]+)`")
# Marks of LaTeX between which formulas aren't cut: groups and environments.
MARKS = re.compile(r"\\(?:begin|end)\b|\\left|\\right|(?<!\\)[{}]|\\qquad")
SUBSCRIPT = re.compile(r"_(?:\{[^{}]*\}|.)")
GREEK = re.compile(r"\\(?:alpha|beta|delta|eta|lambda|mu|pi|rho|sigma|theta|varphi)\b")
# A longer sentence before a formula tells more than a page has room for.
LONGEST_LEAD = 150
# A longer description of a picture is for those who can't see it.
LONGEST_CAPTION = 170


@dataclass(frozen=True)
class Formula:
    """A formula of a lesson.

    Args:
        section: The title of its section.
        lead: The sentence before it, as Markdown; may be empty.
        latex: The formula, without dollar signs.
        symbols: What the symbols of its section mean, as Markdown; may be empty.
    """

    section: str
    lead: str
    latex: str
    symbols: str = ""


@dataclass(frozen=True)
class HandoutPicture:
    """A picture of a run.

    Args:
        png: The picture, in base64.
        alt: What it shows, in words.
    """

    png: str
    alt: str

    @property
    def caption(self) -> str:
        """What is said below it: as many sentences of its description as fit.

        >>> HandoutPicture("", "A month (modelled). 1 per second: 2,705.12 USD.").caption
        'A month (modelled). 1 per second: 2,705.12 USD.'
        """
        sentences = re.split(r"(?<=[.?!]) ", self.alt)
        for end in range(len(sentences), 0, -1):
            caption = " ".join(sentences[:end])
            if len(caption) <= LONGEST_CAPTION:
                return caption
        first = sentences[0].partition(": ")[0]
        return f"{first}." if len(first) <= LONGEST_CAPTION else ""


@dataclass(frozen=True)
class Handout:
    """What is on a lesson's page.

    Args:
        lesson: The lesson.
        learnt: What was learnt, as Markdown.
        formulas: Its formulas, in order.
        pictures: Its pictures, in order; without a run, none.
        commands: Commands that its text shows.
        terms: The terms that it introduces.
        purposes: What each command does, by the command; those without one stand alone.
    """

    lesson: Lesson
    learnt: str
    formulas: tuple[Formula, ...]
    pictures: tuple[HandoutPicture, ...]
    commands: tuple[str, ...]
    terms: tuple[Term, ...]
    purposes: Mapping[str, str] = field(default_factory=dict)


def make_handout(lesson: Lesson, run: Path | None = None) -> Handout:
    """Collect what is on a lesson's page.

    Args:
        lesson: The lesson.
        run: The executed notebook, from which pictures are taken; ``None`` for none.

    Raises:
        ValueError: The executed notebook can't be read.
    """
    sections = sections_of(lesson)
    texts = [
        source_of(cell)
        for section in sections
        for cell in section.cells
        if cell["cell_type"] == "markdown"
    ]
    shown = [command for text in texts for command in COMMAND.findall(text)]
    own = f"deployworkbook reset {lesson.number}"
    commands = dict.fromkeys([*shown, "deployworkbook lab", "deployworkbook progress", own])
    learnt = source_of(sections[-1].cells[0]).partition("\n")[2]
    return Handout(
        lesson=lesson,
        learnt="\n".join(line for line in learnt.splitlines() if line.startswith("- ")),
        formulas=tuple(each for section in sections for each in _formulas(section)),
        pictures=() if run is None else tuple(_pictures(sections, run)),
        commands=tuple(commands),
        terms=tuple(term for term in load_terms() if term.lesson == lesson),
    )


def _formulas(section: Section) -> Iterator[Formula]:
    reading = reading_of(section)
    for cell in section.cells:
        if cell["cell_type"] != "markdown":
            continue
        text = source_of(cell)
        for found in DISPLAYED.finditer(text):
            lead = reading.lead(_lead(text[: found.start()]))
            for latex in cut(found[0].strip("$ \n")):
                if _is_general(latex) and reading.keeps(latex):
                    yield Formula(plain_title(section), lead, latex, reading.symbols)
                    lead = ""


def cut(latex: str) -> list[str]:
    r"""Cut a row of formulas into its formulas: a column is narrow.

    Args:
        latex: The row, without dollar signs.

    >>> cut(r"a = \frac{b}{c}, \qquad d = e")
    ['a = \\frac{b}{c}', 'd = e']
    """
    parts, begun, depth = [], 0, 0
    for mark in MARKS.finditer(latex):
        if mark[0] == "\\qquad" and not depth:
            parts.append(latex[begun : mark.start()])
            begun = mark.end()
        depth += (mark[0] in {"{", "\\begin", "\\left"}) - (mark[0] in {"}", "\\end", "\\right"})
    return [part.strip().removesuffix(",") for part in [*parts, latex[begun:]]]


def _is_general(latex: str) -> bool:
    r"""Return whether a formula is neither a worked example, mostly digits, nor only words.

    >>> _is_general(r"p_{99} = \frac{s \ln 100}{1 - \rho}")
    True
    >>> _is_general(r"18 \cdot 0.3125 = 5.625"), _is_general(r"\text{or half of it}")
    (False, False)
    """
    if re.fullmatch(r"\\text\{[^{}]*\}", latex):
        return False
    shown = re.sub(r"\\[a-zA-Z]+", "", GREEK.sub("x", SUBSCRIPT.sub("", latex)))
    return 2 * sum(map(str.isalpha, shown)) >= sum(map(str.isdigit, shown))


def _lead(before: str) -> str:
    """Return the last sentence before a formula, if it leads to it."""
    paragraph = before.rstrip().rpartition("\n")[2].strip()
    if not paragraph.endswith((":", ",")):
        return ""
    sentence = LINK.sub(r"\1", re.split(r"(?<=[.?!])\s+", paragraph)[-1])
    return sentence if len(sentence) <= LONGEST_LEAD and "$$" not in sentence else ""


def _pictures(sections: list[Section], run: Path) -> Iterator[HandoutPicture]:
    """Give the pictures of the cells that are marked for the handout, if they ran as they are."""
    marked = {
        cell["id"]: source_of(cell)
        for section in sections
        for cell in section.cells
        if cell["metadata"].get("deployworkbook", {}).get("handout")
    }
    for cell in read_notebook(run).cells:
        if cell.get("id") not in marked or cell.source != marked[cell["id"]]:
            continue
        for output in cell.outputs:
            data = output.get("data", {})
            if "image/png" in data:
                yield HandoutPicture(data["image/png"].replace("\n", ""), _alt(data))
                break


def _alt(data: dict[str, str]) -> str:
    alt = re.search(r'<img[^>]*\balt="([^"]*)"', data.get("text/html", ""))
    return unescape(alt[1]) if alt else data.get("text/plain", "")
