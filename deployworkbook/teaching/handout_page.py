"""A handout as a page, and as a PDF of one sheet."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from deployworkbook.execution.page import markdown_as_html
from deployworkbook.teaching.handout import Formula, Handout
from deployworkbook.teaching.printing import pages_of, print_pdf
from deployworkbook.teaching.wording import text_as_html
from deployworkbook.workspace.files import write_atomically
from deployworkbook.workspace.templates import render

TEMPLATE = Path(__file__).parent / "templates" / "handout.html.j2"

# Sizes of print to try, in points; the last is as small as a footnote.
SIZES_PT = (10.0, 9.5, 9.0, 8.5, 8.0, 7.5, 7.0)
# Without a browser nobody can tell what fits; this does for most lessons.
USUAL_PT = 8.0
MOST_PICTURES = 2


# A formula with more signs than these is set smaller, so that it fits into a column.
WIDE = 44
SMALLEST_EM = 0.6


@dataclass(frozen=True)
class Part:
    """A formula with the sentence before it.

    Args:
        html: Both as HTML.
        size_em: Size of the formula, so that it fits into a column.
    """

    html: str
    size_em: float


@dataclass(frozen=True)
class Group:
    """The formulas of a section.

    Args:
        title: The section's title.
        parts: Its formulas.
        symbols: What their symbols mean, as HTML; may be empty.
    """

    title: str
    parts: tuple[Part, ...]
    symbols: str


def handout_as_html(
    handout: Handout,
    *,
    size_pt: float = USUAL_PT,
    pictures: int = MOST_PICTURES,
    chinese: bool = True,
) -> str:
    """Return a handout as one page without scripts or requests.

    Args:
        handout: What is on it.
        size_pt: Size of its print on paper, in points.
        pictures: The most pictures to show.
        chinese: Whether terms are shown in Chinese, too.

    Raises:
        ValueError: A formula can't be converted.
    """
    groups = [
        Group(title, tuple(map(_part, formulas)), markdown_as_html(symbols))
        for (title, symbols), formulas in groupby(
            handout.formulas, key=lambda each: (each.section, each.symbols)
        )
    ]
    return render(
        TEMPLATE,
        handout=handout,
        learnt=markdown_as_html(handout.learnt),
        formulas=groups,
        html=text_as_html,
        size_pt=size_pt,
        pictures=pictures,
        chinese=chinese,
    )


def _part(formula: Formula) -> Part:
    shown = markdown_as_html(f"{formula.lead}\n\n$${formula.latex}$$")
    # About as many signs as LaTeX shows of it.
    words = re.sub(r"\\(log|max|min|clip|round|text|mathrm)\b", r"\1", formula.latex)
    signs = re.sub(r"text|mathrm|[{}^_\s]", "", re.sub(r"\\[a-zA-Z]+|\\.", ".", words))
    return Part(shown, round(min(1.0, max(SMALLEST_EM, WIDE / len(signs))), 2))


def write_handout(
    handout: Handout, page: Path, *, browser: str | None, chinese: bool = True
) -> Path | None:
    """Write a handout as HTML and, with a browser, as a PDF of one page beside it.

    Takes the largest print with which all fits; if nothing does, fewer pictures.

    Args:
        handout: What is on it.
        page: The HTML file to write, atomically.
        browser: The browser's program; ``None`` if there is none.
        chinese: Whether the PDF shows terms in Chinese, too; the HTML always does.

    Returns:
        The PDF; ``None`` without a browser.

    Raises:
        RuntimeError: The browser couldn't print, or the handout is longer than a page.
    """
    if browser is None:
        write_atomically(page, handout_as_html(handout))
        return None
    pdf = page.with_suffix(".pdf")
    with tempfile.TemporaryDirectory(prefix="deployworkbook-handout-") as place:
        trial = Path(place) / "page.html"
        for pictures in range(min(len(handout.pictures), MOST_PICTURES), -1, -1):
            fitting: tuple[str, bytes] | None = None
            sizes = list(SIZES_PT)
            while sizes:
                middle = len(sizes) // 2
                size_pt = sizes[middle]
                html = handout_as_html(handout, size_pt=size_pt, pictures=pictures, chinese=chinese)
                trial.write_text(html, encoding="utf-8")
                printed = print_pdf(trial, browser=browser)
                if pages_of(printed) == 1:
                    whole = handout_as_html(handout, size_pt=size_pt, pictures=pictures)
                    fitting, sizes = (whole, printed), sizes[:middle]
                else:
                    sizes = sizes[middle + 1 :]
            if fitting:
                write_atomically(page, fitting[0])
                write_atomically(pdf, fitting[1])
                return pdf
    raise RuntimeError(
        f"The handout of {handout.lesson.name} doesn't fit on one page. "
        "Give it fewer formulas or terms."
    )
