"""The list of lessons, the lab's first page: questions, minutes, and what a learner has solved.

The lab's server writes it again whenever a page asks for it, so it is never out of date.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from deployworkbook.jupyter.lessons import Lesson, catalogue
from deployworkbook.jupyter.terms import TERMS_PAGE
from deployworkbook.workspace.files import write_atomically
from deployworkbook.workspace.folder import Workspace, sha256_of

# The page's name in a learner's folder.
LESSON_LIST = "lessons.md"

# Minutes that are left are rounded up to this many, as they are no more exact than that.
ROUNDED_TO_MIN = 5

PAGE = """\
# Lessons

{where}

| lesson, and the question it answers | minutes | solved |
|:---|---:|:---|
{rows}

Each lesson runs on its own, in any order. The page of [terms]({terms}) says what each term means.
"""
START = "Begin with [{lesson}]({file}). All lessons together take about {whole}."
GO_ON = (
    "Go on with [{lesson}]({file}). You have solved {solved} of {total} exercises; about {left} of "
    "{whole} are left."
)
DONE = "You have solved all {total} exercises. What each lesson leaves open is its last task."
ROW = "| [{lesson}]({file})<br>{question} | {minutes} | {solved} |"
# In a narrow window the bar stands above the count.
SOLVED = """\
<progress max="{total}" value="{solved}" style="width: 4em" title="exercises solved"></progress> \
<span style="white-space: nowrap">{solved} of {total}</span>"""


@dataclass(frozen=True)
class ListedLesson:
    """A lesson, and how far a learner has come in it.

    Args:
        lesson: The lesson.
        solved: Number of exercises solved.
        total: Number of exercises, at least one.
    """

    lesson: Lesson
    solved: int
    total: int

    @property
    def is_done(self) -> bool:
        """Whether all exercises are solved."""
        return self.solved == self.total

    @property
    def minutes_left(self) -> int:
        """Minutes for the share of exercises that are not solved."""
        return round(self.lesson.minutes * (1 - self.solved / self.total))

    @property
    def heading(self) -> str:
        """Its number and title."""
        return f"{self.lesson.number} {self.lesson.title}"


def listed_lessons(workspace: Workspace) -> list[ListedLesson]:
    """Return all lessons in order, with a learner's progress.

    Args:
        workspace: The learner's folder.
    """
    # Imported here because all exercises take half a second.
    from deployworkbook.exercises.progress import summary

    progress = {row.lesson: row for row in summary(workspace)}
    return [
        ListedLesson(lesson, progress[lesson.name].solved, progress[lesson.name].total)
        for lesson in catalogue()
    ]


def lesson_list_as_markdown(lessons: Sequence[ListedLesson]) -> str:
    """Return the list as a page.

    Args:
        lessons: Lessons in order, at least one.

    >>> from deployworkbook.jupyter.lessons import find_lesson
    >>> page = lesson_list_as_markdown([ListedLesson(find_lesson("02"), 2, 5)])
    >>> page.splitlines()[2].partition(". ")[2]
    'You have solved 2 of 5 exercises; about 30 min of 50 min are left.'
    """
    rows = [
        ROW.format(
            lesson=each.heading,
            file=each.lesson.path.name,
            question=each.lesson.question,
            minutes=each.lesson.minutes,
            solved=SOLVED.format(total=each.total, solved=each.solved),
        )
        for each in lessons
    ]
    return PAGE.format(where=_where(lessons), rows="\n".join(rows), terms=TERMS_PAGE)


def write_lesson_list(workspace: Workspace) -> None:
    """Write the list into a learner's folder unless it is up to date; an edited one is backed up.

    Args:
        workspace: The learner's workspace.

    Raises:
        OSError: The folder is not writable.
    """
    page = lesson_list_as_markdown(listed_lessons(workspace))
    target, record = workspace.root / LESSON_LIST, workspace.records / "lesson_list.json"
    digest, known = sha256_of(page.encode()), _known(workspace)
    if digest not in known[-1:]:
        # Before the page, so that after a kill in between the old page and the new one are known.
        write_atomically(record, json.dumps([*known[-1:], digest]))
    workspace.write_keeping_edits(target, page, known=known)


def _known(workspace: Workspace) -> list[str]:
    """Return hashes of the last pages written; without a valid record, any page is an edit."""
    try:
        known = json.loads((workspace.records / "lesson_list.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [str(each) for each in known] if isinstance(known, list) else []


def _where(lessons: Sequence[ListedLesson]) -> str:
    """Say how far a learner has come, and which lesson is the first with something to solve."""
    solved, total = sum(each.solved for each in lessons), sum(each.total for each in lessons)
    following = next((each for each in lessons if not each.is_done), None)
    if following is None:
        return DONE.format(total=total)
    left = sum(each.minutes_left for each in lessons)
    return (GO_ON if solved else START).format(
        lesson=following.heading,
        file=following.lesson.path.name,
        solved=solved,
        total=total,
        left=_duration(-(-left // ROUNDED_TO_MIN) * ROUNDED_TO_MIN),
        whole=_duration(sum(each.lesson.minutes for each in lessons)),
    )


def _duration(minutes: int) -> str:
    """Return minutes as hours and minutes.

    >>> [_duration(minutes) for minutes in (45, 60, 1295)]
    ['45 min', '1 h', '21 h 35 min']
    """
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{rest} min"
    return f"{hours} h {rest} min" if rest else f"{hours} h"
