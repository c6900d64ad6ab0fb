"""Topics that a teacher chooses, and their lessons."""

from __future__ import annotations

from collections.abc import Sequence

from deployworkbook.exercises.declaration import LESSONS
from deployworkbook.jupyter.lessons import Lesson, catalogue
from deployworkbook.validation import check_choice


def topics() -> dict[str, Lesson]:
    """Return all topics, with their lessons: the subjects of exercises, and lessons' numbers.

    >>> topics()["quantization"] == topics()["05"]
    True
    """
    lessons = {lesson.name: lesson for lesson in catalogue()}
    subjects = {subject: lessons[name] for subject, name in LESSONS.items()}
    return subjects | {lesson.number: lesson for lesson in lessons.values()}


def lessons_of(chosen: Sequence[str]) -> list[Lesson]:
    """Return the lessons of topics, in their order, each once.

    Args:
        chosen: Topics, such as ``["quantization", "10"]``.

    Raises:
        ValueError: There is no such topic; the message suggests the closest.

    >>> [lesson.number for lesson in lessons_of(["serving", "costs"])]
    ['10', '01']
    """
    known = topics()
    lessons = [known[check_choice("--topics", topic, known)] for topic in chosen]
    return list(dict.fromkeys(lessons))
