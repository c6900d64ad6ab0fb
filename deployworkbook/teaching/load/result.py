"""What a rehearsal measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from deployworkbook.teaching.load.learner import CellRun, Slide


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the smallest value that at least this share of the values doesn't exceed.

    Args:
        values: Any number of them; ``None`` is returned for none.
        share: Above 0, at most 1.

    >>> percentile([4, 1, 3, 2], 0.5), percentile(range(1, 101), 0.95), percentile([], 0.95)
    (2, 95, None)
    """
    ordered = sorted(values)
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else None


@dataclass(frozen=True)
class LoadResult:
    """What a rehearsal measured.

    Args:
        learners: How many learners there were.
        lesson: The lesson's name.
        seconds: How long it took.
        start_s: Seconds until each server was ready.
        kernel_s: Seconds until each kernel answered.
        slides: Steps of sliders.
        runs: Cells.
        memory_bytes: The most that each learner took in the lesson, by name; empty if it couldn't
            be seen.
        training_bytes: The same while all but the first trained.
        total_bytes: The most that all learners took at one moment.
        lost_connections: Connections that ended without being closed.
        restarts: Kernels that died and were started again.
        trouble: What kept a learner from going on, in words.
        was_stopped: Whether it was stopped before its end.
    """

    learners: int
    lesson: str
    seconds: float
    start_s: tuple[float, ...]
    kernel_s: tuple[float, ...]
    slides: tuple[Slide, ...]
    runs: tuple[CellRun, ...]
    memory_bytes: Mapping[str, int] = field(default_factory=dict)
    training_bytes: Mapping[str, int] = field(default_factory=dict)
    total_bytes: int = 0
    lost_connections: int = 0
    restarts: int = 0
    trouble: tuple[str, ...] = ()
    was_stopped: bool = False

    @property
    def failed(self) -> tuple[CellRun, ...]:
        """Cells that ended with an error."""
        return tuple(each for each in self.runs if each.error)

    @property
    def idle_s(self) -> list[float]:
        """Seconds of sliders while nobody else ran a cell."""
        return [each.seconds for each in self.slides if not each.others_running]

    @property
    def busy_s(self) -> list[float]:
        """Seconds of sliders while others ran cells of the lesson."""
        return [
            each.seconds for each in self.slides if each.others_running and not each.others_training
        ]

    @property
    def training_s(self) -> list[float]:
        """Seconds of sliders while all the others trained."""
        return [each.seconds for each in self.slides if each.others_training]

    def as_dict(self) -> dict[str, Any]:
        """Return all figures, the percentiles too, for JSON."""
        figures = {
            name: {
                "count": len(values),
                "p50_s": percentile(values, 0.5),
                "p95_s": percentile(values, 0.95),
                "max_s": max(values, default=None),
            }
            for name, values in self.series.items()
        }
        return {**asdict(self), "figures": figures}

    @property
    def series(self) -> dict[str, Sequence[float]]:
        """What was timed, by name."""
        return {
            "server_start": self.start_s,
            "kernel_start": self.kernel_s,
            "slider_idle": self.idle_s,
            "slider_while_others_run": self.busy_s,
            "slider_while_others_train": self.training_s,
        }
