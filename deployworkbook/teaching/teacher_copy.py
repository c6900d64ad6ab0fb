"""A lesson with its solutions, usual mistakes, hints and talking points: the teacher's copy.

It is made from the shipped lesson and the exercises themselves, so it can't disagree with them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from deployworkbook import __version__
from deployworkbook.exercises.declaration import Exercise, GuessQuestion
from deployworkbook.exercises.filling import checked_in, fill, names_of_imports
from deployworkbook.exercises.mistakes import shown_mistakes
from deployworkbook.exercises.registry import EXERCISES, PREDICTIONS
from deployworkbook.jupyter.lessons import Lesson
from deployworkbook.jupyter.sections import ASKED, Cell, Section, sections_of, source_of
from deployworkbook.jupyter.terms import TERMS_PAGE, terms_as_markdown
from deployworkbook.workspace.folder import Workspace

LESSON_LINK = re.compile(r"\]\((\d\d_\w+)\.ipynb")
TITLE = "{title} (teacher's copy)"
ABOUT = (
    "**This is the teacher's copy.** Every exercise is solved, and notes like this one are for "
    "you. Your class gets the lesson without them.\n\n"
    "`deployworkbook teach copy {number}` made it from the lesson and its exercises (version "
    "{version}). Run that again after an update. If you have edited this file, your version is "
    "backed up first."
)
SOLVED_FOR = "for the teacher; it doesn't count as solved."
MINUTES = (
    "**Minutes:** {total:g} (talk {talk:g}, exercises {exercise:g}, discussion {discussion:g}), "
    "without waiting for cells."
)
CORE = "Do this section even if you are late."
SKIPPABLE = "If you are late, you can skip this section."
ANSWER = "**The answer:** “{answer}”. {reason}"
MISTAKES = "**Usual mistakes**"
SAME_CASE = "**Usual mistakes** with {arguments}. The right answer is {right}."
HINTS = "**Hints**, in the order in which learners get them. The last one is shown as the solution."


def teacher_copy(lesson: Lesson) -> str:
    """Return a lesson's copy for its teacher, as the text of a notebook without outputs.

    Args:
        lesson: The lesson.
    """
    notebook = json.loads(lesson.path.read_text(encoding="utf-8"))
    sections = {section.cells[0]["id"]: section for section in sections_of(lesson)}
    notebook["cells"] = list(_cells(lesson, notebook["cells"], sections))
    notebook["metadata"]["deployworkbook"]["teacher_copy"] = True
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def file_name(lesson: Lesson) -> str:
    """Return the name of a lesson's copy for its teacher.

    >>> from deployworkbook.jupyter.lessons import find_lesson
    >>> file_name(find_lesson("5"))
    '05_quantization-teacher.ipynb'
    """
    return f"{lesson.name}-teacher.ipynb"


def write_teacher_copy(workspace: Workspace, lesson: Lesson, target: Path) -> list[Path]:
    """Write a lesson's copy for its teacher, and beside it the page of terms that it links to.

    Args:
        workspace: The teacher's folder, for the backups.
        lesson: The lesson.
        target: The file.

    Returns:
        The backups of files that were there before and differ.

    Raises:
        OSError: A file or a backup is not writable.
    """
    texts = {target: teacher_copy(lesson), target.parent / TERMS_PAGE: terms_as_markdown()}
    backups = [workspace.write_keeping_edits(path, text) for path, text in texts.items()]
    return [each for each in backups if each]


def _cells(lesson: Lesson, shipped: list[Cell], sections: dict[str, Section]) -> Iterator[Cell]:
    imported: set[str] = set()
    for place, cell in enumerate(shipped):
        source = source_of(cell)
        if place == 0:
            titled = re.sub(r"^# .*", _titled, source, count=1)
            yield _with_source(cell, LESSON_LINK.sub(r"](\1-teacher.ipynb", titled))
            yield _note(cell, ABOUT.format(number=lesson.number, version=__version__))
            continue
        if cell["cell_type"] != "code":
            yield _with_source(cell, LESSON_LINK.sub(r"](\1-teacher.ipynb", source))
            section = sections.get(cell["id"])
            if section is not None and (section.minutes.total or section.say):
                yield _note(cell, _about_section(section))
            continue
        notes = []
        for name in checked_in(source):
            exercise = EXERCISES[name]
            cell = _with_source(cell, fill(source, exercise, why=SOLVED_FOR, imported=imported))
            notes.append(_about_exercise(exercise))
        guesses = [name for call, name in ASKED.findall(source) if call == "predict"]
        notes += [_about_prediction(PREDICTIONS[name]) for name in guesses]
        yield cell
        if notes:
            yield _note(cell, "\n\n".join(notes))
        imported |= names_of_imports([source])


def _titled(heading: re.Match[str]) -> str:
    return TITLE.format(title=heading[0])


def _with_source(cell: Cell, source: str) -> Cell:
    return cell | {"source": source.splitlines(keepends=True)}


def _note(cell: Cell, text: str) -> Cell:
    """Return a note on a cell, as a quotation, so that it can't be mistaken for the lesson."""
    quoted = "\n".join(f"> {line}".rstrip() for line in text.split("\n"))
    note = {
        "cell_type": "markdown",
        "id": f"{cell['id']}-teacher",
        "metadata": {"tags": ["teacher"]},
    }
    return _with_source(note, quoted)


def _about_section(section: Section) -> str:
    minutes, lines = section.minutes, []
    if minutes.total:
        parts = {
            "talk": minutes.talk,
            "exercise": minutes.exercise,
            "discussion": minutes.discussion,
        }
        lines.append(MINUTES.format(total=minutes.total, **parts))
        lines.append(CORE if section.is_core else SKIPPABLE)
    return "\n\n".join(filter(None, (" ".join(lines), section.say)))


def _about_exercise(exercise: Exercise) -> str:
    mistakes = shown_mistakes(exercise)
    cases = {(each.arguments, each.right) for each in mistakes}
    title, rows = MISTAKES, [["arguments", "right", "wrong", "why"]]
    for each in mistakes:
        numbers = (each.arguments, each.right, each.received)
        rows.append([*map(_code, numbers), escaped(each.text)])
    if len(cases) == 1:
        arguments, right = map(_code, cases.pop())
        title = (
            SAME_CASE.format(arguments=arguments, right=right) if mistakes[0].arguments else title
        )
        rows = [row[2:] for row in rows]
    rows.insert(1, ["---"] * len(rows[0]))
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    hints = [f"{place}. {escaped(hint)}" for place, hint in enumerate(exercise.hints, start=1)]
    return "\n\n".join((title, table, HINTS, "\n".join(hints)))


def _about_prediction(prediction: GuessQuestion) -> str:
    reason = escaped(prediction.reason)
    return ANSWER.format(answer=escaped(prediction.answer), reason=reason)


def escaped(text: str) -> str:
    r"""Return plain text as Markdown.

    >>> print(escaped("2 * a_b costs $5"))
    2 \* a\_b costs \$5
    """
    return re.sub(r"([\\`*_\[\]<>$#|~])", r"\\\1", text)


def _code(text: str) -> str:
    return f"`{' '.join(text.split())}`"
