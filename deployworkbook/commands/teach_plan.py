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
        str | None,
        typer.Option(
            "--format",
            metavar="md|html",
            help="Markdown, or a page to print (default: by the ending of --out, otherwise md).",
        ),
    ] = None,
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
    from deployworkbook.workspace.files import full_path, write_atomically

    lay_out = {"md": sheet_as_markdown, "html": sheet_as_html}[_form(form, out)]
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
    from deployworkbook.validation import value_error
    from deployworkbook.workspace.files import full_path

    if slot not in SLOTS:
        raise ValueError(_no_such_slot(slot))
    chosen = [topic.strip() for topic in (topics or "").split(",") if topic.strip()]
    if topics is not None and not chosen:
        raise value_error(
            "--topics",
            received=repr(topics),
            expected="subjects or numbers of lessons, such as quantization,serving or 05,10",
            remedy="Leave the option out for the usual lessons of the slot.",
        )
    measured = shipped_waits() if waits is None else read_waits(full_path(waits))
    return make_plan(SLOTS[slot], chosen, measured, is_warm=not cold)


def _no_such_slot(slot: str) -> str:
    from deployworkbook.teaching.slots import SLOTS

    there_are = "There are plans for 60, 90 or 180 minutes, or a day."
    if not slot.isdecimal():
        return f"{there_are} Received: {slot!r}."
    shorter = [each.name for each in SLOTS.values() if each.minutes <= int(slot)]
    if not shorter:
        return f"{there_are} Received: {slot}, which is too short for any of them."
    return f"{there_are} Received: {slot}. The longest that fits into it: {shorter[-1]}."


def _form(form: str | None, out: Path | None) -> str:
    """Return the form of the sheet, by the option or by the file's ending.

    Raises:
        ValueError: There is no such form, or the two contradict each other.
    """
    from deployworkbook.validation import check_choice, value_error

    endings = {".md": "md", ".markdown": "md", ".html": "html", ".htm": "html"}
    by_ending = endings.get(out.suffix.lower()) if out else None
    if form is None:
        return by_ending or "md"
    check_choice("--format", form, ("md", "html"))
    if by_ending and by_ending != form:
        raise value_error(
            "--out",
            received=str(out),
            expected=f"a file whose ending goes with --format {form}",
            remedy="Leave --format out, or change the ending.",
        )
    return form
