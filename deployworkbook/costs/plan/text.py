"""A plan's page as Markdown and as self-contained HTML."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from deployworkbook.costs.plan.making import DeploymentPlan
from deployworkbook.costs.plan.section import Section
from deployworkbook.costs.plan.sections import sections_of, title_of
from deployworkbook.workspace.templates import render

_TEMPLATES = Path(__file__).parent / "templates"


def plan_as_markdown(plan: DeploymentPlan) -> str:
    """Return the plan as Markdown.

    Args:
        plan: As ``make_plan`` makes it.
    """
    return markdown_of(title_of(plan), sections_of(plan))


def plan_as_html(plan: DeploymentPlan) -> str:
    """Return the plan as one HTML page without scripts or external styles and fonts.

    Args:
        plan: As ``make_plan`` makes it.
    """
    return html_of(title_of(plan), sections_of(plan))


def markdown_of(title: str, sections: Sequence[Section]) -> str:
    """Lay out sections as Markdown, under a title."""
    page = render(_TEMPLATES / "plan.md.j2", title=title, sections=sections)
    return page.rstrip() + "\n"


def html_of(title: str, sections: Sequence[Section]) -> str:
    """Lay out sections as one HTML page, under a title."""
    return render(_TEMPLATES / "plan.html.j2", title=title, sections=sections)
