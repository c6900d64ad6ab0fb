"""Progress of a build: the remaining time, and cancelling."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deployworkbook.compression.progress import BuildPart

# Often enough to follow, but rarely enough not to slow the build down.
SHOWN_EVERY_S = 0.25


class BuildCancelled(BaseException):
    """The build was cancelled; no ``Exception``, so that a build can't swallow it by mistake."""


class BuildProgress:
    """Follows one build by the steps that it reports, and ends it between two of them.

    The time left is extrapolated from the time per step measured on this machine. The first report
    of a part doesn't count: it includes the preparation.

        seconds left = steps left · (seconds since the first report / steps since the first report)

    Args:
        show: Given the share of the steps that are done, from 0 to 1, and a sentence.
        seconds_per_step: Seconds per step by kind of part, from earlier builds; updated in place.
        clock: Function that returns the time in seconds.
    """

    def __init__(
        self,
        show: Callable[[float, str], object],
        *,
        seconds_per_step: dict[str, float] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._show = show
        self._rates = {} if seconds_per_step is None else seconds_per_step
        self._clock = clock
        self._cancelled = threading.Event()
        self._started = clock()
        self._shown = float("-inf")
        self._finished: list[BuildPart] = []
        self._part: BuildPart | None = None
        self._coming: list[BuildPart] = []
        self._done = 0
        self._first: tuple[float, int] | None = None
        self._notice = ""

    @property
    def seconds(self) -> float:
        """Seconds since the build began."""
        return self._clock() - self._started

    def cancel(self) -> None:
        """End the build at the next step that it reports; safe from any thread."""
        self._cancelled.set()

    def plan(self, parts: Sequence[BuildPart]) -> None:
        """Take note of the parts to come.

        Raises:
            BuildCancelled: The build is to end.
        """
        self._coming = list(parts)
        self.update(0)

    def begin(self, part: BuildPart) -> None:
        """Take note that a part begins.

        Raises:
            BuildCancelled: The build is to end.
        """
        if self._part is not None:
            self._finished.append(self._part)
        if part in self._coming:
            self._coming.remove(part)
        self._part, self._done, self._first, self._notice = part, 0, None, ""
        self._shown = float("-inf")
        self.update(0)

    def update(self, steps: int = 1) -> None:
        """Take note of finished steps.

        Raises:
            BuildCancelled: The build is to end.
        """
        # The main thread ends when the kernel does: nobody waits for the result any more.
        if self._cancelled.is_set() or not threading.main_thread().is_alive():
            raise BuildCancelled(f"The build was cancelled after {self.seconds:.0f} s.")
        now = self._clock()
        self._done += steps
        if self._part is not None and steps:
            if self._first is None:
                self._first = (now, self._done)
            elif self._done > self._first[1]:
                began, done = self._first
                self._rates[self._part.kind] = (now - began) / (self._done - done)
        if now - self._shown >= SHOWN_EVERY_S:
            self._shown = now
            self._show(self.fraction, self.text)

    def say(self, notice: str) -> None:
        """Show a sentence beside the progress until the next part begins."""
        self._notice = notice
        self._show(self.fraction, self.text)

    @property
    def fraction(self) -> float:
        """Share of all known steps that are done, from 0 to 1."""
        before = sum(part.steps for part in self._finished)
        now = self._part.steps if self._part else 0
        total = before + now + sum(part.steps for part in self._coming)
        return min(1.0, (before + min(self._done, now)) / total) if total else 0.0

    @property
    def text(self) -> str:
        """Description of the current work and of the remaining time."""
        return " ".join(filter(None, [self._doing(), self._left(), self._notice]))

    def _doing(self) -> str:
        part = self._part
        if part is None:
            return "Preparing."
        if not part.epochs:
            return f"Now: {part.name}."
        per_epoch = part.steps / part.epochs
        epoch = min(part.epochs, int(self._done / per_epoch) + 1)
        text = f"{part.name}: epoch {epoch} of {part.epochs}"
        # Before this part's own second report, the rate is an earlier build's.
        is_measured = self._first is not None and self._done > self._first[1]
        if is_measured:
            text += f", {_seconds(per_epoch * self._rates[part.kind])} per epoch"
        return f"{text}."

    def _left(self) -> str:
        coming = [part for part in self._coming if part.steps]
        part = self._part
        if part is None or not part.steps:
            return self._sentence(0.0, coming) if coming else ""
        if part.kind not in self._rates:
            return "How long it will take isn't known yet."
        seconds = max(0, part.steps - self._done) * self._rates[part.kind]
        return self._sentence(seconds, coming)

    def _sentence(self, seconds: float, coming: Sequence[BuildPart]) -> str:
        """Return the remaining time of the current and the coming parts, as far as known."""
        unknown = [part.name for part in coming if part.kind not in self._rates]
        known = [part for part in coming if part.kind in self._rates]
        seconds += sum(part.steps * self._rates[part.kind] for part in known)
        names = " and ".join(unknown)
        if not unknown:
            return f"About {_seconds(seconds)} left, plus the time to measure it."
        if not seconds:
            return f"How long {names} will take isn't known yet."
        return f"About {_seconds(seconds)} left, then {names}: how long isn't known yet."


def _seconds(value: float) -> str:
    """Format a time with few digits.

    >>> _seconds(0.84), _seconds(12.3), _seconds(212.0), _seconds(5400.0)
    ('0.8 s', '12 s', '3 min 30 s', '1 h 30 min')
    """
    if value < 9.95:
        return f"{value:.1f} s"
    if value < 59.5:
        return f"{value:.0f} s"
    if value < 595:
        minutes, seconds = divmod(round(value / 10) * 10, 60)
        return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"
    hours, minutes = divmod(round(value / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
