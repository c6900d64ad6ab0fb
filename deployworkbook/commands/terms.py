"""The ``terms`` command: look up the workbook's terms, in English or Chinese."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from deployworkbook.jupyter.terms import Term

LANGUAGES = ("both", "en", "zh")


def terms(
    query: Annotated[
        str | None,
        typer.Argument(metavar="[QUERY]", help="A term or a part of one, in either language."),
    ] = None,
    language: Annotated[
        str, typer.Option(metavar="LANGUAGE", help="Language to print: en, zh or both.")
    ] = "both",
    lesson: Annotated[
        str | None, typer.Option(metavar="NN", help="Only the terms this lesson introduces.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the terms as JSON.")] = False,
) -> None:
    """Explain the workbook's terms, in English and in Chinese."""
    from deployworkbook.commands.tables import print_table
    from deployworkbook.jupyter.lessons import find_lesson
    from deployworkbook.jupyter.terms import load_terms, look_up
    from deployworkbook.validation import check_choice

    check_choice("--language", language, LANGUAGES)
    found = load_terms()
    if lesson is not None:
        wanted = find_lesson(lesson)
        found = [term for term in found if term.lesson == wanted]
    if query is not None:
        found = look_up(query, found)
    if as_json:
        print(json.dumps([_fields(term) for term in found], indent=1, ensure_ascii=False))
        return
    print_table(("term", "meaning", "lesson"), [_row(term, language) for term in found])


def _row(term: Term, language: str) -> tuple[str, str, str]:
    names = {"en": term.name, "zh": term.chinese, "both": f"{term.name}\n{term.chinese}"}
    meanings = {
        "en": term.meaning,
        "zh": term.chinese_meaning,
        "both": f"{term.meaning}\n{term.chinese_meaning}",
    }
    return names[language], meanings[language], term.lesson.number


def _fields(term: Term) -> dict[str, Any]:
    return {
        "name": term.name,
        "meaning": term.meaning,
        "chinese": term.chinese,
        "chinese_meaning": term.chinese_meaning,
        "forms": list(term.forms),
        "lesson": term.lesson.name,
    }
