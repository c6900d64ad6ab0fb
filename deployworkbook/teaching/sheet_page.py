"""A run sheet as Markdown, and as a page to print."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from deployworkbook.execution.page import markdown_as_html
from deployworkbook.jupyter.lessons import Lesson
from deployworkbook.jupyter.sections import sections_of, source_of
from deployworkbook.teaching.planning import NOTICED_S, Plan
from deployworkbook.teaching.run_sheet import RunSheet
from deployworkbook.teaching.wording import text_as_html, text_as_markdown
from deployworkbook.workspace.templates import render

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Check:
    """Something to do before the class.

    Args:
        text: What it is for, in a sentence.
        command: The command that does it.
    """

    text: str
    command: str


def checks_for(plan: Plan) -> tuple[Check, ...]:
    """Return what a teacher does before a class, in order.

    Args:
        plan: The workshop.
    """
    numbers = [lesson.number for lesson in plan.lessons]
    lessons = " ".join(numbers)
    topics = ",".join(numbers)
    copied = numbers[0] if len(numbers) == 1 else "--all"
    preloading = (
        Check(
            "Train what the lessons train, so that nobody waits for it:",
            f"deployworkbook preload {lessons} --into class-models",
        ),
        Check(
            "At each seat, before JupyterLab starts, name the folder with these models:",
            "export DEPLOYWORKBOOK_SHARED_MODELS=/path/to/class-models",
        ),
    )
    checks = (
        Check(
            "For a room without a network, take all packages along:",
            "deployworkbook teach wheelhouse wheels",
        ),
        Check(
            "At each seat, write down whether it is ready, in a file named after the learner:",
            "deployworkbook doctor --json > NAME.json",
        ),
        Check(
            "Collect these files in one folder, and see who needs what:",
            "deployworkbook teach preflight reports",
        ),
        Check(
            "Go through the plan without learners:",
            f"deployworkbook teach rehearse {plan.slot.name} --topics {topics}",
        ),
        Check(
            "Read your own copy, with solutions and usual mistakes:",
            f"deployworkbook teach copy {copied} --out teacher",
        ),
        Check(
            "Run the lessons, so that the handouts have their pictures:",
            f"deployworkbook run {lessons}",
        ),
        Check(
            "Print a page for each learner, to hand out at the end:",
            f"deployworkbook teach handout {lessons}",
        ),
    )
    return (*preloading, *checks) if plan.is_warm else checks


def sheet_as_markdown(sheet: RunSheet) -> str:
    """Return a run sheet as Markdown.

    Args:
        sheet: The run sheet.
    """
    text = render(TEMPLATES / "run_sheet.md.j2", **_values(sheet), md=text_as_markdown)
    return re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n"


def sheet_as_html(sheet: RunSheet) -> str:
    """Return a run sheet as one page to print on A4, without scripts or requests.

    Args:
        sheet: The run sheet.
    """
    return render(
        TEMPLATES / "run_sheet.html.j2",
        **_values(sheet),
        html=text_as_html,
        markdown=markdown_as_html,
    )


def _values(sheet: RunSheet) -> dict[str, object]:
    plan = sheet.plan
    numbers = " ".join(lesson.number for lesson in plan.lessons)
    kinds = ("talk", "exercise", "discussion", "wait")
    return {
        "sheet": sheet,
        "plan": plan,
        "topics": ", ".join(lesson.title for lesson in plan.lessons),
        "share": f"{100 * plan.minutes / plan.slot.minutes:.0f}",
        "numbers": numbers,
        "unmeasured": ", ".join(lesson.number for lesson in plan.unmeasured),
        "noticed_s": NOTICED_S,
        "has_untimed": any(row.kind == "run" and not row.wait for row in sheet.rows),
        "has_unmeasured": any(not row.is_measured for row in sheet.rows),
        "checks": checks_for(plan),
        "sums": {
            kind: sum(getattr(row, kind) for row in sheet.rows if row.kind != "pause")
            for kind in kinds
        },
        "tasks": [task for lesson in plan.lessons for task in _tasks(lesson)],
    }


def _tasks(lesson: Lesson) -> list[tuple[Lesson, str]]:
    """Return a lesson's open task, without its heading, as plain text; not all lessons have one."""
    return [
        (lesson, re.sub(r"\*\*|`", "", source_of(section.cells[0]).partition("\n")[2]).strip())
        for section in sections_of(lesson)
        if section.title == "An open task"
    ]
