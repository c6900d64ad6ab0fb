"""A plan's page as Markdown and as self-contained HTML."""

from __future__ import annotations

from pathlib import Path

from deployworkbook.costs.plan.making import DeploymentPlan
from deployworkbook.costs.plan.sections import sections_of, title_of
from deployworkbook.workspace.templates import render

_TEMPLATES = Path(__file__).parent / "templates"


def plan_as_markdown(plan: DeploymentPlan) -> str:
    """Return the plan as Markdown.

    Args:
        plan: As ``make_plan`` makes it.
    """
    return _laid_out(plan, "plan.md.j2").rstrip() + "\n"


def plan_as_html(plan: DeploymentPlan) -> str:
    """Return the plan as one HTML page without scripts or external styles and fonts.

    Args:
        plan: As ``make_plan`` makes it.
    """
    return _laid_out(plan, "plan.html.j2")


def _laid_out(plan: DeploymentPlan, template: str) -> str:
    return render(_TEMPLATES / template, title=title_of(plan), sections=sections_of(plan))
