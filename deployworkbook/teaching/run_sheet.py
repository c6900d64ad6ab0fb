"""A plan with the clock: what happens when, what to say, and what to skip when late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from deployworkbook.exercises.declaration import Exercise, GuessQuestion
from deployworkbook.exercises.registry import EXERCISES, PREDICTIONS
from deployworkbook.jupyter.sections import Section, exercise_tasks, exercise_titles
from deployworkbook.teaching.planning import Plan, Step
from deployworkbook.validation import value_error

Kind = Literal["taught", "run", "pause"]


@dataclass(frozen=True)
class Row:
    """A line of the sheet.

    Args:
        begins: When it begins, such as ``09:05``.
        kind: ``taught``, ``run`` for cells that are only run, or ``pause``.
        title: The section with its lesson's number, or the break's name.
        talk: Minutes of talk.
        exercise: Minutes of exercises.
        discussion: Minutes of discussion.
        wait: Minutes of waiting for cells.
        is_measured: Whether that wait is known; if not, none is planned.
        pause: Minutes of the break.
    """

    begins: str
    kind: Kind
    title: str
    talk: float = 0
    exercise: float = 0
    discussion: float = 0
    wait: float = 0
    is_measured: bool = True
    pause: float = 0


@dataclass(frozen=True)
class Checkpoint:
    """Where a teacher looks at the clock: the beginning of a lesson or of a break.

    Args:
        title: The section or the break that begins.
        begins: When, as planned.
        latest: When at the latest, if all that follows is still to fit.
    """

    title: str
    begins: str
    latest: str


@dataclass(frozen=True)
class Gain:
    """A section that can be left out, and what that brings.

    Args:
        title: The section.
        minutes: The minutes that are free then.
    """

    title: str
    minutes: float


@dataclass(frozen=True)
class Homework:
    """An exercise that can be done at home, and what that brings.

    Args:
        exercise: Its name, such as ``losses.mean``.
        lesson: The number of its lesson.
        title: What the lesson calls it, such as "Exercise 3"; ``None`` if it has no number.
        minutes: The minutes that are free then.
    """

    exercise: str
    lesson: str
    title: str | None
    minutes: float


@dataclass(frozen=True)
class Talk:
    """What a teacher needs in front of the class for one section.

    Args:
        begins: When it begins.
        title: The section with its lesson's number.
        say: What to say, in whole sentences; may be empty.
        predictions: Its guesses.
        exercises: Its exercises.
        titles: What the lesson calls its exercises, by name; some have no number.
        tasks: What the lesson asks in them, as Markdown, by name.
    """

    begins: str
    title: str
    say: str
    predictions: tuple[GuessQuestion, ...]
    exercises: tuple[Exercise, ...]
    titles: Mapping[str, str]
    tasks: Mapping[str, str]


@dataclass(frozen=True)
class RunSheet:
    """A plan with the clock.

    Args:
        plan: The plan.
        begins: When the workshop begins.
        ends: When everything planned is done.
        rows: The lines, in order.
        checkpoints: Where to look at the clock, in order.
        skippable: Sections to leave out when late, in this order.
        dropped: Core sections for which there was no time, with their minutes.
        homework: Exercises of the other sections that can be done at home, the longest first.
        talks: The sections with something to say or to ask.
    """

    plan: Plan
    begins: str
    ends: str
    rows: tuple[Row, ...]
    checkpoints: tuple[Checkpoint, ...]
    skippable: tuple[Gain, ...]
    dropped: tuple[Gain, ...]
    homework: tuple[Homework, ...]
    talks: tuple[Talk, ...]


def make_run_sheet(plan: Plan, *, start: str = "09:00") -> RunSheet:
    """Put a plan on the clock.

    Args:
        plan: The plan.
        start: When the workshop begins, such as ``09:00``.

    Raises:
        ValueError: The start is no time of a day.
    """
    clock = _parsed(start)
    begins = _said(clock)
    air = timedelta(minutes=plan.slot.minutes - plan.minutes)
    rows: list[Row] = []
    talks: list[Talk] = []
    checkpoints: list[Checkpoint] = []
    lesson = None
    for item in plan.items:
        now = _said(clock)
        number = item.section.lesson.number if isinstance(item, Step) else None
        if number != lesson and rows:
            title = title_of(item.section) if isinstance(item, Step) else item.name
            checkpoints.append(Checkpoint(title, now, _said(clock + air)))
        lesson = number
        if isinstance(item, Step):
            rows.append(_row(item, now))
            talk = _talk(item.section, now)
            if item.is_taught and (talk.say or talk.predictions or talk.exercises):
                talks.append(talk)
        else:
            rows.append(Row(now, "pause", item.name, pause=item.minutes))
        clock += timedelta(minutes=item.minutes)
    taught = [step.section for step in plan.steps if step.is_taught]
    return RunSheet(
        plan=plan,
        begins=begins,
        ends=_said(clock),
        rows=tuple(rows),
        checkpoints=tuple(checkpoints),
        skippable=tuple(_skippable(taught)),
        dropped=tuple(map(_gain, plan.dropped)),
        homework=tuple(_homework(taught)),
        talks=tuple(talks),
    )


def title_of(section: Section) -> str:
    """Return a section's title with its lesson's number, as plain text.

    >>> from deployworkbook.jupyter.lessons import find_lesson
    >>> from deployworkbook.jupyter.sections import sections_of
    >>> title_of(sections_of(find_lesson("09"))[2])
    '09 · 2. Where does the time of model.predict go?'
    """
    lesson = section.lesson
    title = "{lesson}: opening" if section.title == "Parameters" else section.title
    return f"{lesson.number} · {title}".replace("`", "").replace("{lesson}", lesson.title)


def _row(step: Step, now: str) -> Row:
    title = title_of(step.section)
    if not step.is_taught:
        return Row(now, "run", title, wait=step.wait_minutes, is_measured=step.is_measured)
    minutes = step.section.minutes
    return Row(
        *(now, "taught", title, minutes.talk, minutes.exercise, minutes.discussion),
        wait=step.wait_minutes,
        is_measured=step.is_measured,
    )


def _talk(section: Section, now: str) -> Talk:
    return Talk(
        now,
        title_of(section),
        section.say,
        tuple(PREDICTIONS[name] for name in section.predictions),
        tuple(EXERCISES[name] for name in section.exercises),
        exercise_titles(section.lesson),
        exercise_tasks(section.lesson),
    )


def _skippable(taught: Sequence[Section]) -> list[Gain]:
    """Return the sections that aren't the core: the optional ones first, then as they come."""
    others = [section for section in taught if not section.is_core]
    others.sort(key=lambda section: not section.is_optional)
    return [_gain(section) for section in others]


def _gain(section: Section) -> Gain:
    return Gain(title_of(section), section.minutes.total)


def _homework(taught: Sequence[Section]) -> list[Homework]:
    gains = [
        Homework(
            exercise=name,
            lesson=section.lesson.number,
            title=exercise_titles(section.lesson).get(name),
            minutes=minutes,
        )
        for section in taught
        if section.is_core
        for name, minutes in section.exercise_minutes.items()
    ]
    return sorted(gains, key=lambda gain: -gain.minutes)


def _parsed(start: str) -> datetime:
    try:
        return datetime.strptime(start, "%H:%M")
    except ValueError as error:
        expected = "a time such as 09:00"
        raise value_error("--start", received=repr(start), expected=expected) from error


def _said(clock: datetime) -> str:
    return f"{clock:%H:%M}"
