"""The command ``teach plan``: a run sheet for a workshop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from deployworkbook.teaching.planning import Plan

SlotName = Annotated[
    str, typer.Argument(metavar="60|90|180|day", help="Length of the workshop, in minutes.")
]
Topics = Annotated[
    str | None,
    typer.Option(
        metavar="TOPIC,…",
        help="Subjects or numbers of lessons, in their order: quantization,serving or 05,10.",
    ),
]
WaitsFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Waits that `teach waits` has measured on your machine."),
]


def plan(
    slot: SlotName,
    topics: Topics = None,
    start: Annotated[
        str, typer.Option(metavar="HH:MM", help="When the workshop begins.")
    ] = "09:00",
    form: Annotated[
        str, typer.Option("--format", metavar="md|html", help="Markdown, or a page to print.")
    ] = "md",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File to write (default: the terminal).")
    ] = None,
    waits: WaitsFile = None,
    cold: Annotated[
        bool,
        typer.Option("--cold", help="The class trains its models itself: nothing is preloaded."),
    ] = False,
) -> None:
    """Write a run sheet: what happens when, what to say, what to skip when late.

    Fills nine tenths of the slot, the core of each lesson first. A day is seven hours, from
    nine to four, with lunch.
    """
    from deployworkbook.teaching.run_sheet import make_run_sheet
    from deployworkbook.teaching.sheet_page import sheet_as_html, sheet_as_markdown
    from deployworkbook.validation import check_choice
    from deployworkbook.workspace.files import full_path, write_atomically

    layouts = {"md": sheet_as_markdown, "html": sheet_as_html}
    lay_out = layouts[check_choice("--format", form, layouts)]
    text = lay_out(make_run_sheet(plan_of(slot, topics, waits, cold=cold), start=start))
    if out is None:
        print(text, end="")
        return
    write_atomically(full_path(out), text)
    print(f"Wrote {full_path(out)}.")


def plan_of(slot: str, topics: str | None, waits: Path | None, *, cold: bool) -> Plan:
    """Return the plan that the options name.

    Raises:
        ValueError: There is no such slot or topic, or the file holds no waits.
    """
    from deployworkbook.teaching.planning import make_plan
    from deployworkbook.teaching.slots import SLOTS
    from deployworkbook.teaching.waits import read_waits, shipped_waits
    from deployworkbook.validation import check_choice
    from deployworkbook.workspace.files import full_path

    check_choice("slot", slot, SLOTS)
    chosen = [topic.strip() for topic in (topics or "").split(",") if topic.strip()]
    measured = shipped_waits() if waits is None else read_waits(full_path(waits))
    return make_plan(SLOTS[slot], chosen, measured, is_warm=not cold)
