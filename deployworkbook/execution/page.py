"""Write executed notebooks as self-contained HTML pages, without scripts or requests."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import pass_context
from nbconvert.exporters.html import HTMLExporter
from nbconvert.filters.highlight import Highlight2HTML
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook
from pygments.formatters.html import HtmlFormatter

from deployworkbook.execution.folds import mark_folds
from deployworkbook.execution.mathml import mathml
from deployworkbook.execution.outputs import is_counted, read_notebook
from deployworkbook.execution.sanitize import sanitize
from deployworkbook.execution.static_widgets import add_static_forms
from deployworkbook.jupyter.terms import TERMS_PAGE, terms_as_markdown
from deployworkbook.workspace.files import write_atomically
from deployworkbook.workspace.templates import render

TEMPLATES = Path(__file__).parent / "templates"

# What nbconvert gives pictures that have no alternative text.
NO_DESCRIPTION = "No description has been provided for this image"
# The beginning of such a picture in sanitized HTML, where each attribute has a value in quotes.
UNDESCRIBED = re.compile(r"""<img(?=(?: (?!alt=)[\w:-]+=(?:"[^"]*"|'[^']*'))*>)""")


@dataclass(frozen=True)
class IndexEntry:
    """An entry of the index.

    Args:
        title: Title of the page.
        href: Link to the page, relative to the index.
        question: The question the lesson answers; may be empty.
        state: How the run ended, in a few words.
        passed: Whether the run passed.
    """

    title: str
    href: str
    question: str
    state: str
    passed: bool


def write_page(notebook: Path, page: Path, *, home: str | None = None) -> None:
    """Write an executed notebook as one HTML file.

    Formulas become MathML, pictures are embedded, widgets keep their last state, links to other
    notebooks lead to their pages, and sections that JupyterLab shows collapsed are folded. Anything
    that navigates, loads or executes is removed, and the page's content security policy forbids
    scripts, requests and forms.

    Args:
        notebook: Path of the executed notebook, which is only read.
        page: Path of the page, written atomically.
        home: Link to the index, relative to the page.

    Raises:
        ValueError: The file is not a notebook, or a formula can't be converted.
    """
    _write(copy.deepcopy(read_notebook(notebook)), notebook, page, home)


def write_terms_page(folder: Path, *, home: str | None = None) -> None:
    """Write the page of terms, to which lessons link.

    Args:
        folder: Folder of the lessons' pages.
        home: Link to the index, relative to the page.
    """
    content = new_notebook(cells=[new_markdown_cell(terms_as_markdown())])
    source = folder / TERMS_PAGE
    _write(content, source, source.with_suffix(".html"), home)


def _write(content: NotebookNode, source: Path, page: Path, home: str | None) -> None:
    add_static_forms(content)
    _describe_images(content)
    title = _title(content, source.stem)
    mark_folds(content)
    exporter = _PageExporter()
    html, _ = exporter.from_notebook_node(
        content,
        resources={
            "metadata": {"name": title, "path": str(source.parent)},
            "page": {"title": title, "home": home, "style": _style(), "made": _made(content)},
        },
    )
    write_atomically(page, html)


def markdown_as_html(source: str) -> str:
    r"""Return Markdown as HTML that runs and loads nothing, with its formulas as MathML.

    Args:
        source: Markdown as in a lesson.

    Raises:
        ValueError: A formula can't be converted.

    >>> markdown_as_html("a **word**")
    '<p>a <strong>word</strong></p>\n'
    """
    return sanitize(MarkdownWithMath(renderer=_Renderer(escape=False)).render(source))


def write_index(entries: Sequence[IndexEntry], page: Path, *, made: str) -> None:
    """Write the index page.

    Args:
        entries: One entry per page, in order.
        page: Path of the index, written atomically.
        made: When and how the pages were made, in a sentence.
    """
    template = TEMPLATES / "page" / "contents.html.j2"
    write_atomically(page, render(template, entries=entries, made=made, style=_style()))


class _PageExporter(HTMLExporter):
    """nbconvert's HTML exporter with this package's templates."""

    def __init__(self) -> None:
        super().__init__(  # type: ignore[no-untyped-call]  # nbconvert annotates only some methods
            template_name="page", extra_template_basedirs=[str(TEMPLATES)]
        )

    @property
    def default_config(self) -> Any:
        config = super().default_config
        # A plain-text progress bar is a stream of lines that overwrite each other.
        config.CoalesceStreamsPreprocessor.enabled = True
        # A page can't run scripts, so formats that need them are left out.
        config.NbConvertBase.display_data_priority = [
            "text/html",
            "text/markdown",
            "image/svg+xml",
            "image/png",
            "image/jpeg",
            "text/latex",
            "text/plain",
        ]
        return config

    def from_notebook_node(self, nb: NotebookNode, resources: Any = None, **kw: Any) -> Any:
        """Render a notebook, without the original's second look at the page.

        That parses all of it again, to describe pictures without alternative text (which
        ``_sanitized`` does) and to mark the cells of another template.
        """
        language = nb.metadata.get("language_info", {})
        lexer = language.get("pygments_lexer", language.get("name"))
        highlight: Any = Highlight2HTML  # without types, as all that follows
        register: Any = self.register_filter
        register("highlight_code", highlight(pygments_lexer=lexer, parent=self))
        return super(HTMLExporter, self).from_notebook_node(nb, resources, **kw)

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        """Convert Markdown to inert HTML and formulas to MathML."""
        cell = context.get("cell", {})
        renderer = _Renderer(
            escape=False,
            attachments=cell.get("attachments", {}),
            embed_images=True,
            path=context["resources"]["metadata"]["path"],
            exclude_anchor_links=False,
            anchor_link_text="#",
        )
        return _sanitized(MarkdownWithMath(renderer=renderer).render(source))

    def default_filters(self) -> Any:
        yield from super().default_filters()  # type: ignore[no-untyped-call]  # as above
        yield "markdown2html", self.markdown2html
        yield "sanitize", _sanitized
        yield "display_math", lambda text: _display_math(text.strip().strip("$"))


class _Renderer(IPythonRenderer):
    """Render Markdown elements as HTML."""

    def block_math(self, body: str) -> str:
        return _display_math(body)

    def inline_math(self, body: str) -> str:
        return mathml(body, display=False)

    def latex_environment(self, name: str, body: str) -> str:
        return _display_math(f"\\begin{{{name}}}{body}\\end{{{name}}}")

    def link(self, text: str, url: str, title: str | None = None) -> str:
        # Lessons and the page of terms, perhaps with the name of a place on it.
        pages = rf"^([^:#]+\.ipynb|{re.escape(TERMS_PAGE)})(?=#|$)"
        url = re.sub(pages, lambda page: str(Path(page[1]).with_suffix(".html")), url)
        return super().link(text, url, title)

    def _html_embed_images(self, html: str) -> str:
        # The original closes all that a block leaves open, such as a fold whose text comes next.
        embed = super()._html_embed_images
        return re.sub("<img[^>]*>", lambda tag: embed(tag[0]), html, flags=re.IGNORECASE)

    def table(self, text: str) -> str:
        return f'<div class="scroll"><table>\n{text}</table></div>'


def _sanitized(html: str) -> str:
    """Return inert HTML, in which each picture has an alternative text."""
    return UNDESCRIBED.sub(f'<img alt="{NO_DESCRIPTION}"', sanitize(html))


def _display_math(body: str) -> str:
    return f'<div class="formula">{mathml(body, display=True)}</div>'


def _describe_images(notebook: NotebookNode) -> None:
    """Set each picture's alternative text to its plain-text output, or else its cell number."""
    number = 0
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        number += is_counted(cell)
        for output in cell.outputs:
            if "data" in output:
                # matplotlib's own text is a class name, which says nothing about the picture.
                text = output.data.get("text/plain", "<")
                plain = f"Picture made by code cell {number}."
                output.metadata["alt"] = plain if text.startswith("<") else text


def _title(notebook: NotebookNode, name: str) -> str:
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            heading = re.search(r"^# (.+)$", cell.source, re.MULTILINE)
            if heading:
                return heading[1].strip()
    return name


def _made(notebook: NotebookNode) -> str:
    about = notebook.metadata.get("papermill", {})
    if not about.get("start_time"):
        return ""
    when = about["start_time"][:16].replace("T", " ")
    seconds = about.get("duration")
    took = f" in {seconds:.0f} s" if seconds else ""
    return f"Run on {when} UTC{took}. All figures and pictures are from that run."


def _style() -> str:
    light = HtmlFormatter(style="default").get_style_defs(".highlight")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".highlight")
    own = (TEMPLATES / "page" / "style.css").read_text()
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n{own}"
