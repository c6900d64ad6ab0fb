"""A plan's pages in a folder, as Markdown and HTML, with backups of earlier ones."""

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
        path: Path of the page.
        backup: Copy of an earlier page with other contents, if there was one.
    """

    path: Path
    backup: Path | None


def write_plan(plan: DeploymentPlan, folder: Path, *, workspace: Workspace) -> list[WrittenPage]:
    """Write a plan's pages, each atomically.

    A page with other contents, from an older plan or edited, is backed up first.

    Args:
        plan: Plan to write.
        folder: Folder to write to, created if missing.
        workspace: Workspace that keeps the backups.

    Raises:
        OSError: A file cannot be written.
    """
    written = []
    for name, lay_out in PAGES.items():
        path = folder / name
        written.append(WrittenPage(path, workspace.write_keeping_edits(path, lay_out(plan))))
    return written
