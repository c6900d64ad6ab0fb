"""Executed notebooks as pages that read offline: one file each, without scripts or requests."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import pass_context
from nbconvert.exporters.html import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from pygments.formatters.html import HtmlFormatter

from deployworkbook.execution.mathml import mathml
from deployworkbook.execution.outputs import is_counted, read_notebook
from deployworkbook.execution.sanitize import sanitize
from deployworkbook.execution.static_widgets import add_static_forms
from deployworkbook.workspace.files import write_atomically
from deployworkbook.workspace.templates import render

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class IndexEntry:
    """A line of the index.

    Args:
        title: Of the page.
        href: Where it is, relative to the index.
        question: What it answers; may be empty.
        state: How its run ended, in a few words.
        passed: Whether that was well.
    """

    title: str
    href: str
    question: str
    state: str
    passed: bool


def write_page(notebook: Path, page: Path, *, home: str | None = None) -> None:
    """Write an executed notebook as one HTML file.

    Formulas become MathML, pictures are embedded, widgets show what they showed last, links to
    other notebooks lead to their pages. What would navigate, load or execute is removed, and the
    page's content policy forbids scripts, requests and forms.

    Args:
        notebook: The executed notebook; it is only read.
        page: The file to write, whole or not at all.
        home: A link back, relative to the page.

    Raises:
        ValueError: The file is not a notebook, or a formula cannot be shown.
    """
    content = copy.deepcopy(read_notebook(notebook))
    add_static_forms(content)
    _describe_images(content)
    title = _title(content, notebook.stem)
    exporter = _PageExporter()
    html, _ = exporter.from_notebook_node(
        content,
        resources={
            "metadata": {"name": title, "path": str(notebook.parent)},
            "page": {"title": title, "home": home, "style": _style(), "made": _made(content)},
        },
    )
    write_atomically(page, html)


def write_index(entries: Sequence[IndexEntry], page: Path, *, made: str) -> None:
    """Write the page that links to all others.

    Args:
        entries: In order.
        page: The file to write, whole or not at all.
        made: When and how, in a sentence.
    """
    template = TEMPLATES / "page" / "contents.html.j2"
    write_atomically(page, render(template, entries=entries, made=made, style=_style()))


class _PageExporter(HTMLExporter):
    """nbconvert's HTML with the templates of this folder."""

    def __init__(self) -> None:
        super().__init__(template_name="page", extra_template_basedirs=[str(TEMPLATES)])

    @property
    def default_config(self) -> Any:
        config = super().default_config
        # A progress bar in plain text is a stream of lines, each over the last.
        config.CoalesceStreamsPreprocessor.enabled = True
        # A page cannot run anything, so what would need to run is not looked for.
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

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        """Turn Markdown to HTML that does nothing by itself, formulas to MathML."""
        cell = context.get("cell", {})
        renderer = _Renderer(
            escape=False,
            attachments=cell.get("attachments", {}),
            embed_images=True,
            path=context["resources"]["metadata"]["path"],
            exclude_anchor_links=False,
            anchor_link_text="#",
        )
        return sanitize(MarkdownWithMath(renderer=renderer).render(source))

    def default_filters(self) -> Any:
        yield from super().default_filters()
        yield "markdown2html", self.markdown2html
        yield "sanitize", sanitize
        yield "display_math", lambda text: _display_math(text.strip().strip("$"))


class _Renderer(IPythonRenderer):
    """Markdown's pieces as HTML."""

    def block_math(self, body: str) -> str:
        return _display_math(body)

    def inline_math(self, body: str) -> str:
        return mathml(body, display=False)

    def latex_environment(self, name: str, body: str) -> str:
        return _display_math(f"\\begin{{{name}}}{body}\\end{{{name}}}")

    def link(self, text: str, url: str, title: str | None = None) -> str:
        return super().link(text, re.sub(r"^([^:#]+)\.ipynb(?=#|$)", r"\1.html", url), title)

    def table(self, text: str) -> str:
        return f'<div class="scroll"><table>\n{text}</table></div>'


def _display_math(body: str) -> str:
    return f'<div class="formula">{mathml(body, display=True)}</div>'


def _describe_images(notebook: NotebookNode) -> None:
    """Give each picture without alternative text one: what its output says, or where it is."""
    number = 0
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        number += is_counted(cell)
        for output in cell.outputs:
            if "data" in output:
                # matplotlib's own text is the name of a class, which tells nothing.
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
    return f"Run on {when} UTC{took}. Figures and pictures are that run's own."


def _style() -> str:
    light = HtmlFormatter(style="default").get_style_defs(".highlight")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".highlight")
    own = (TEMPLATES / "page" / "style.css").read_text()
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n{own}"
