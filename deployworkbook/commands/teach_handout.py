"""The command ``teach handout``: one page a lesson."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer


def handout(
    context: typer.Context,
    lessons: Annotated[
        list[str] | None,
        typer.Argument(metavar="LESSON", help="Numbers or names (default: all)."),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the pages.")] = Path(
        "handouts"
    ),
    run: Annotated[
        Path,
        typer.Option(
            metavar="DIR", help="Executed lessons, from which pictures come: of `run --out DIR`."
        ),
    ] = Path("deployworkbook-run"),
) -> None:
    """Write one page a lesson: what was learnt, formulas, pictures, terms, commands.

    As HTML, and as a PDF if Chromium, Chrome or Edge is installed. Hand it out at the end:
    the pictures answer some of the guesses.
    """
    from deployworkbook.jupyter.lessons import catalogue, find_lesson
    from deployworkbook.teaching.handout import make_handout
    from deployworkbook.teaching.handout_page import write_handout
    from deployworkbook.teaching.printing import find_browser, has_chinese_font
    from deployworkbook.workspace.files import full_path

    chosen = [find_lesson(name) for name in lessons or []] or catalogue()
    folder = full_path(out)
    browser = find_browser()
    chinese = browser is None or has_chinese_font()
    for lesson in chosen:
        executed = full_path(run) / lesson.path.name
        made = make_handout(lesson, executed if executed.exists() else None)
        made = replace(made, purposes=purposes_of(made.commands, context))
        page = folder / f"{lesson.name}.html"
        pdf = write_handout(made, page, browser=browser, chinese=chinese)
        print(f"Wrote {pdf}, and {page.name} beside it." if pdf else f"Wrote {page}.")
        if not made.pictures:
            print(f"It has no pictures. For pictures, first: deployworkbook run {lesson.number}")
    if not chinese:
        print(
            "No font with Chinese letters is installed: a PDF would show boxes, so these leave the "
            "Chinese terms out. Install one (on Debian or Ubuntu: apt install fonts-noto-cjk), "
            "and call this again."
        )
    if browser is None:
        print("There is no browser to print a PDF: open the pages in yours, and print them on A4.")


def purposes_of(commands: Iterable[str], context: typer.Context) -> dict[str, str]:
    """Return what commands do, as their help says, by command; those without help are left out.

    Args:
        commands: Whole commands, such as ``deployworkbook prices list``.
        context: That of any command of the program.
    """
    purposes = {}
    for whole in commands:
        command = context.find_root().command
        for word in whole.split()[1:]:
            command = getattr(command, "commands", {}).get(word, command)
        if command is not context.find_root().command and command.help:
            purposes[whole] = command.get_short_help_str(limit=200)
    return purposes
