"""Choose the sections of a workshop, so that they fit.

The rule, which a teacher can follow with a pencil:

1. Lessons come in the order of the topics.
2. In turns, each lesson gets its next core section, if everything still fits. What doesn't fit is
   left out, and the plan says so. A lesson begins with its opening and ends with what was learnt,
   so its first turn brings both of them along; a lesson for which that is too much is left out.
3. Then the other sections, in the order of the plan, if they fit and no core section before them
   was left out. Optional sections come last.
4. Everything fits if talk, exercises, discussions, waits and breaks fill at most nine tenths of the
   slot.

A section that is left out between two chosen ones is still run, because later cells need what it
computes. A class waits for it, but doesn't talk about it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from deployworkbook.jupyter.lessons import Lesson
from deployworkbook.jupyter.sections import Section, sections_of
from deployworkbook.teaching.slots import Break, Slot
from deployworkbook.teaching.topics import lessons_of
from deployworkbook.teaching.waits import Waits
from deployworkbook.validation import value_error

# A class doesn't notice a shorter wait: the teacher is still talking.
NOTICED_S = 10.0

# A break may come this much earlier or later, so that it doesn't cut a lesson in two.
NEARBY_MINUTES = 15.0

Places = Mapping[Lesson, frozenset[int]]


@dataclass(frozen=True)
class Step:
    """A section in a plan.

    Args:
        section: The section.
        is_taught: Whether the class works on it. If not, its cells are only run.
        wait_s: How long its cells take, in seconds.
        is_measured: Whether that is known. If not, no wait is planned.
    """

    section: Section
    is_taught: bool
    wait_s: float
    is_measured: bool = True

    @property
    def wait_minutes(self) -> float:
        """The wait that the plan allows for: in half minutes, rounded up."""
        return 0.0 if self.wait_s < NOTICED_S else math.ceil(self.wait_s / 30) / 2

    @property
    def minutes(self) -> float:
        """All that the step takes."""
        taught = self.section.minutes.total if self.is_taught else 0.0
        return taught + self.wait_minutes


@dataclass(frozen=True)
class Plan:
    """A workshop: what is taught, in order, and where the breaks are.

    Args:
        slot: Its length.
        lessons: Its lessons, in order.
        items: Steps and breaks, in order.
        left_out: Lessons of the topics for which there was no time.
        dropped: Core sections of the chosen lessons for which there was no time.
        waits: Where the waits come from.
        is_warm: Whether the models are there already.
    """

    slot: Slot
    lessons: tuple[Lesson, ...]
    items: tuple[Step | Break, ...]
    left_out: tuple[Lesson, ...]
    dropped: tuple[Section, ...]
    waits: Waits
    is_warm: bool

    @property
    def steps(self) -> list[Step]:
        """The items without the breaks."""
        return [item for item in self.items if isinstance(item, Step)]

    @property
    def unmeasured(self) -> list[Lesson]:
        """Lessons of which a section's wait is unknown; the plan allows no time for it."""
        missing = [step.section.lesson for step in self.steps if not step.is_measured]
        return list(dict.fromkeys(missing))

    @property
    def minutes(self) -> float:
        """All items together, breaks included."""
        return sum(item.minutes for item in self.items)


def make_plan(slot: Slot, topics: Sequence[str], waits: Waits, *, is_warm: bool = True) -> Plan:
    """Choose the sections of a workshop.

    Args:
        slot: Its length.
        topics: Topics in their order; without any, those of the slot.
        waits: Measured waits.
        is_warm: Whether the lessons find their models, or train them in the class.

    Raises:
        ValueError: There is no such topic, or not even one lesson fits.
    """
    lessons = lessons_of(topics or slot.topics)
    chooser = _Chooser(slot, lessons, waits, is_warm)
    chosen = chooser.choose()
    taught = [lesson for lesson in lessons if chosen[lesson]]
    if not taught:
        raise value_error(
            "--topics",
            received=", ".join(topics or slot.topics),
            expected=f"a lesson that can begin in {slot.minutes:g} minutes",
            remedy="Choose a longer slot, or preload the models.",
        )
    steps = [step for lesson in taught for step in chooser.steps_of(lesson, chosen[lesson])]
    left_out = tuple(lesson for lesson in lessons if lesson not in taught)
    items = tuple(_with_breaks(steps, slot))
    dropped = tuple(each for lesson in taught for each in chooser.dropped(lesson, chosen[lesson]))
    return Plan(slot, tuple(taught), items, left_out, dropped, waits, is_warm)


class _Chooser:
    """What is chosen so far, and whether more fits."""

    def __init__(self, slot: Slot, lessons: Sequence[Lesson], waits: Waits, is_warm: bool) -> None:
        self._limit = slot.planned_minutes - slot.break_minutes
        self._sections = {lesson: sections_of(lesson) for lesson in lessons}
        self._waits = waits
        self._is_warm = is_warm

    def choose(self) -> dict[Lesson, frozenset[int]]:
        chosen: dict[Lesson, frozenset[int]] = dict.fromkeys(self._sections, frozenset())
        queues = {lesson: self._turns(lesson) for lesson in self._sections}
        while queues:
            for lesson in list(queues):
                places = next(queues[lesson], None)
                wider = chosen[lesson] | (places or frozenset())
                fits = places is not None and self._fits({**chosen, lesson: wider})
                if fits:
                    chosen[lesson] = wider
                elif places is None or not chosen[lesson]:
                    del queues[lesson]
        for lesson, section in self._others():
            wider = chosen[lesson] | {section.place}
            if self._may_add(section, chosen[lesson]) and self._fits({**chosen, lesson: wider}):
                chosen[lesson] = wider
        return chosen

    def _others(self) -> Iterator[tuple[Lesson, Section]]:
        """Give all sections that take minutes, in the order of the plan; the optional ones last."""
        every = [(lesson, each) for lesson in self._sections for each in self._sections[lesson]]
        taking = [(lesson, each) for lesson, each in every if each.minutes.total]
        yield from sorted(taking, key=lambda pair: pair[1].is_optional)

    def _may_add(self, section: Section, places: frozenset[int]) -> bool:
        """Return whether a lesson is taught, lacks a section, and leaves out no core before it."""
        dropped = self.dropped(section.lesson, places)
        is_open = not any(core.place < section.place for core in dropped)
        return bool(places) and section.place not in places and is_open

    def dropped(self, lesson: Lesson, places: frozenset[int]) -> list[Section]:
        """Return a lesson's core sections that aren't chosen."""
        core = [each for each in self._sections[lesson] if each.is_core and each.minutes.total]
        return [section for section in core if section.place not in places]

    def steps_of(self, lesson: Lesson, places: frozenset[int]) -> Iterator[Step]:
        """Give a lesson's steps: what is taught, and what has to be run between."""
        sections = self._sections[lesson]
        last = max(each.place for each in sections if each.place in places and _is_main(each))
        for section in sections:
            is_taught = section.place in places
            if is_taught or (section.place < last and _needs_run(section)):
                wait_s = self._waits.seconds(section, is_warm=self._is_warm)
                is_measured = wait_s is not None or not _has_code(section)
                yield Step(section, is_taught, wait_s or 0.0, is_measured)

    def _turns(self, lesson: Lesson) -> Iterator[frozenset[int]]:
        """Give a lesson's core sections one by one, the first with what opens and closes it."""
        core = [each for each in self._sections[lesson] if each.is_core and each.minutes.total]
        opening, *middle = [each.place for each in core if _is_main(each)]
        closing = [each.place for each in core if not _is_main(each)]
        first, *others = middle
        yield frozenset([opening, first, *closing])
        for place in others:
            yield frozenset([place])

    def _fits(self, chosen: Places) -> bool:
        minutes = sum(
            step.minutes
            for lesson, places in chosen.items()
            if places
            for step in self.steps_of(lesson, places)
        )
        return minutes <= self._limit


def _is_main(section: Section) -> bool:
    """Return whether a section is none of those after the references: they stand on their own."""
    return not section.title.startswith(("Optional", "Tidy up", "What you have learnt"))


def _needs_run(section: Section) -> bool:
    return _has_code(section) and _is_main(section)


def _has_code(section: Section) -> bool:
    return any(cell["cell_type"] == "code" for cell in section.cells)


def _with_breaks(steps: Sequence[Step], slot: Slot) -> Iterator[Step | Break]:
    """Put each break near to where it is due, between two lessons if one ends nearby."""
    total = sum(step.minutes for step in steps)
    ends = [sum(step.minutes for step in steps[: count + 1]) for count in range(len(steps))]
    free = [count for count in range(len(steps) - 1) if _may_pause(steps[count + 1])]
    after: dict[int, Break] = {}
    for pause in slot.breaks:
        due = pause.after_share * total

        def distance(count: int, due: float = due) -> float:
            is_end = steps[count].section.lesson != steps[count + 1].section.lesson
            return abs(ends[count] - due) - NEARBY_MINUTES * is_end

        if free:
            best = min(free, key=distance)
            free.remove(best)
            after[best] = pause
    for count, step in enumerate(steps):
        yield step
        if count in after:
            yield after[count]


def _may_pause(following: Step) -> bool:
    return following.is_taught and _is_main(following.section)
