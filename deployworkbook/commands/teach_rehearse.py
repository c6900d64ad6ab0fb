"""The command ``teach rehearse``: play a workshop without learners."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deployworkbook.commands.folder import Folder, workspace_of
from deployworkbook.commands.teach_plan import SlotName, Topics, WaitsFile, plan_of

if TYPE_CHECKING:
    from deployworkbook.teaching.rehearsal import Rehearsal


def rehearse(
    slot: SlotName,
    topics: Topics = None,
    waits: WaitsFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    folder: Folder = None,
) -> None:
    """Play a workshop without learners: its cells, simulated answers, and the clock.

    Answers are right, a usual mistake, or late, in turns. Exits with 1 if a verdict isn't as
    planned, or if a section's cells take half as long again as planned, and more than ten
    seconds longer; a machine that is slower at the moment gets as much more time.
    """
    from deployworkbook.teaching.rehearsal import rehearse as play

    plan = plan_of(slot, topics, waits, cold=False)
    done = play(plan, workspace_of(folder))
    if as_json:
        print(json.dumps(_as_json(done), indent=1, ensure_ascii=False))
    else:
        _print(done)
    raise typer.Exit(0 if done.passes else 1)


def _print(done: Rehearsal) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table("lesson", "section", box=None, padding=(0, 2, 0, 0))
    for name in ("planned s", "measured s", "allowed s"):
        table.add_column(name, justify="right")
    table.add_column("")
    for each in done.sections:
        seconds = (each.planned_s, each.measured_s, each.allowed_s)
        state = "" if each.is_in_time else "too long"
        table.add_row(each.lesson, each.title, *(f"{value:.1f}" for value in seconds), state)
    console.print(table)
    answers = Table("answer", "kind", "verdict", box=None, padding=(0, 2, 0, 0))
    for played in done.answers:
        state = "as planned" if played.is_as_planned else f"unexpected: {played.said!r}"
        answers.add_row(played.answer.name, played.answer.kind, state)
    console.print(answers)
    if done.trained_models:
        names = ", ".join(done.trained_models)
        console.print(f"Trained in the class, so preload them: {names}.")
    wrong = sum(not played.is_as_planned for played in done.answers)
    late = sum(not each.is_in_time for each in done.sections)
    console.print(f"Sections that took too long: {late} of {len(done.sections)}.")
    console.print(f"Verdicts that weren't as planned: {wrong} of {len(done.answers)}.")


def _as_json(done: Rehearsal) -> dict[str, Any]:
    return {
        "passes": done.passes,
        "sections": [{**asdict(each), "is_in_time": each.is_in_time} for each in done.sections],
        "answers": [
            {
                "name": each.answer.name,
                "kind": each.answer.kind,
                "expected": each.answer.expected,
                "said": each.said,
                "is_as_planned": each.is_as_planned,
            }
            for each in done.answers
        ],
        "trained_models": list(done.trained_models),
    }
