"""A plan's page as Markdown, and as an HTML page that needs nothing else."""

from __future__ import annotations

from pathlib import Path

from deployworkbook.costs.plan.making import DeploymentPlan
from deployworkbook.costs.plan.sections import sections_of, title_of
from deployworkbook.workspace.templates import render

_TEMPLATES = Path(__file__).parent / "templates"


def plan_as_markdown(plan: DeploymentPlan) -> str:
    """Lay the plan out as Markdown."""
    return _laid_out(plan, "plan.md.j2").rstrip() + "\n"


def plan_as_html(plan: DeploymentPlan) -> str:
    """Lay the plan out as one HTML page, without scripts and without links to styles or fonts."""
    return _laid_out(plan, "plan.html.j2")


def _laid_out(plan: DeploymentPlan, template: str) -> str:
    return render(_TEMPLATES / template, title=title_of(plan), sections=sections_of(plan))
