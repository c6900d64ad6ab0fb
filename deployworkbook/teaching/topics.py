"""Topics that a teacher chooses, and their lessons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deployworkbook.exercises.declaration import LESSONS
from deployworkbook.jupyter.lessons import Lesson, catalogue
from deployworkbook.validation import did_you_mean, value_error


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
    lessons = [_lesson(topic, known) for topic in chosen]
    return list(dict.fromkeys(lessons))


def _lesson(topic: str, known: Mapping[str, Lesson]) -> Lesson:
    name = topic.zfill(2) if topic.isdigit() else topic
    if name in known:
        return known[name]
    subjects = ", ".join(f"{each} ({known[each].number})" for each in LESSONS)
    raise value_error(
        "--topics",
        received=repr(topic),
        expected=f"a subject or its lesson's number: {subjects}",
        remedy=did_you_mean(topic, known),
    )
