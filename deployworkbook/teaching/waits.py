"""How long a class waits for each section's cells: measured, kept in a file, read by plans.

The file is JSON: which machine, which TensorFlow, when, and for each section what its cells took. A
teacher who measures an own machine gets a file of the same form.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

from deployworkbook.jupyter.sections import Section
from deployworkbook.validation import check_number, describe, value_error
from deployworkbook.workspace.files import write_atomically

SHIPPED = Path(__file__).parent / "waits.json"


@dataclass(frozen=True)
class Wait:
    """How long the cells of a section take.

    Args:
        warm_s: With all models there already, in seconds.
        cold_s: In an empty folder, which trains every model, in seconds.
        warm_pace_s: The work of ``pace`` in the first of these runs, in seconds.
        cold_pace_s: The same in the second one.
    """

    warm_s: float
    cold_s: float
    warm_pace_s: float
    cold_pace_s: float

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            check_number(name, value, 0, open_low=name.endswith("pace_s"))


@dataclass(frozen=True)
class Waits:
    """The waits of all sections, measured on one machine.

    Args:
        machine: The machine, such as ``AMD EPYC, 2 cores, 8 GiB, Linux x86_64``.
        tensorflow: TensorFlow's version.
        measured_on: The day, such as ``2026-11-30``.
        data: The data set: ``mnist`` or ``digits``.
        busy: Whether other programs were running. Then ``seconds`` allows for them.
        lessons: Waits by the lesson's name and the section's title.
    """

    machine: str
    tensorflow: str
    measured_on: str
    data: str
    busy: bool
    lessons: Mapping[str, Mapping[str, Wait]] = field(default_factory=dict)

    @property
    def quiet_pace_s(self) -> float:
        """The work of ``pace`` when nothing else ran: the shortest time of all, in seconds.

        Infinite if nothing was measured.
        """
        every = [wait for sections in self.lessons.values() for wait in sections.values()]
        paces = [pace_s for wait in every for pace_s in (wait.warm_pace_s, wait.cold_pace_s)]
        return min(paces, default=math.inf)

    def seconds(self, section: Section, *, is_warm: bool = True) -> float | None:
        """Return how long the cells of a section take; ``None`` if they weren't measured.

        If other programs were running, the measured time is divided by how much slower the work
        of ``pace`` usually was beside them, while the lesson ran.

        Args:
            section: The section.
            is_warm: Whether its models are there already.
        """
        measured = self.lessons.get(section.lesson.name, {})
        if section.title not in measured:
            return None
        kind = "warm" if is_warm else "cold"
        measured_s: float = getattr(measured[section.title], f"{kind}_s")
        if not self.busy:
            return measured_s
        usual_s = median(getattr(wait, f"{kind}_pace_s") for wait in measured.values())
        return measured_s * self.quiet_pace_s / float(usual_s)

    def with_lesson(self, name: str, sections: Mapping[str, Wait]) -> Waits:
        """Return the same with a lesson's figures replaced."""
        lessons = {**self.lessons, name: dict(sections)}
        return replace(self, lessons=dict(sorted(lessons.items())))


@cache
def shipped_waits() -> Waits:
    """Return the waits that come with the workbook.

    >>> shipped_waits().machine != ""
    True
    """
    return read_waits(SHIPPED)


def read_waits(path: Path) -> Waits:
    """Read a file of waits.

    Args:
        path: The file, as ``write_waits`` writes it.

    Raises:
        ValueError: It can't be read, or isn't of this form.
    """
    try:
        about: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        lessons = {
            name: {title: Wait(**figures) for title, figures in sections.items()}
            for name, sections in about.pop("lessons").items()
        }
        waits = Waits(**about, lessons=lessons)
        texts = (waits.machine, waits.tensorflow, waits.measured_on, waits.data)
        if not all(isinstance(text, str) for text in texts):
            raise TypeError(f"texts expected, not {describe(texts)}")
    except OSError as error:
        raise ValueError(f"{path} can't be read: {error.strerror or error}.") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise value_error(
            str(path),
            received=f"another file ({error})",
            expected="a file that 'deployworkbook teach waits' has written",
            remedy="Measure again: deployworkbook teach waits --out FILE",
        ) from error
    return waits


def write_waits(waits: Waits, path: Path) -> None:
    """Write a file of waits, atomically.

    Args:
        waits: The figures.
        path: The file; replaced if it is there.
    """
    content = asdict(waits)
    lessons = content.pop("lessons")
    content["lessons"] = {
        name: {title: asdict(wait) for title, wait in waits.lessons[name].items()}
        for name in lessons
    }
    write_atomically(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
