"""A plan's pages in a folder: as Markdown and as HTML, and what stood there before."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deployworkbook.costs.plan.making import DeploymentPlan
from deployworkbook.costs.plan.text import plan_as_html, plan_as_markdown
from deployworkbook.workspace.folder import Workspace

PAGES = {"deployment_plan.md": plan_as_markdown, "deployment_plan.html": plan_as_html}


@dataclass(frozen=True)
class WrittenPage:
    """One page of a plan.

    Args:
        path: Where it is.
        backup: The copy of what stood there, if that was something else.
    """

    path: Path
    backup: Path | None


def write_plan(plan: DeploymentPlan, folder: Path, *, workspace: Workspace) -> list[WrittenPage]:
    """Write a plan's pages, each whole or not at all.

    A page that says something else, an older plan or one that was edited, is copied first.

    Args:
        plan: What they say.
        folder: Where to; made if missing.
        workspace: Whose backups keep the copies.

    Raises:
        OSError: A file cannot be written.
    """
    written = []
    for name, lay_out in PAGES.items():
        path = folder / name
        written.append(WrittenPage(path, workspace.write_keeping_edits(path, lay_out(plan))))
    return written
