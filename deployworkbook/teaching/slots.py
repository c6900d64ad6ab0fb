"""The lengths of a workshop, its breaks, and what it is about unless the teacher chooses."""

from __future__ import annotations

from dataclasses import dataclass

# A class needs air: questions, a seat that doesn't work, a good discussion.
PLANNED_SHARE = 0.9


@dataclass(frozen=True)
class Break:
    """A pause.

    Args:
        name: What it is called on the sheet: ``break`` or ``lunch``.
        minutes: Its length.
        after_share: The part of the teaching after which it comes, about.
    """

    name: str
    minutes: float
    after_share: float


@dataclass(frozen=True)
class Slot:
    """A length of a workshop.

    Args:
        name: As the command takes it: ``60``, ``90``, ``180`` or ``day``.
        minutes: From its beginning to its end, breaks included.
        breaks: Its breaks, in order.
        topics: Topics if the teacher chooses none.
    """

    name: str
    minutes: float
    breaks: tuple[Break, ...]
    topics: tuple[str, ...]

    @property
    def planned_minutes(self) -> float:
        """What a plan may fill, breaks included."""
        return PLANNED_SHARE * self.minutes

    @property
    def break_minutes(self) -> float:
        """All breaks together."""
        return sum(each.minutes for each in self.breaks)


SLOTS = {
    slot.name: slot
    for slot in (
        Slot("60", 60, (), ("costs",)),
        Slot("90", 90, (), ("start", "costs")),
        Slot(
            "180",
            180,
            (Break("break", 15, 0.5),),
            ("start", "quantization", "serving"),
        ),
        # From nine to four.
        Slot(
            "day",
            420,
            (Break("break", 15, 0.27), Break("lunch", 60, 0.52), Break("break", 15, 0.77)),
            ("start", "training", "quantization", "runtimes", "plan"),
        ),
    )
}
