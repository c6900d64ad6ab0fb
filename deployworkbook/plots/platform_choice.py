"""The platforms that meet a job's limits, and the best of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployworkbook.plots.picture import COLOURS, Picture, name_rows, styled
from deployworkbook.plots.platforms import time_text
from deployworkbook.plots.view import Row, View, move_ends


@dataclass(frozen=True, eq=False)
class ChoiceResult:
    """The data of a platform choice plot.

    Args:
        names: Names of the platforms.
        is_cloud: Whether to compare throughput, rather than the time per image.
        batch_size: Images per call.
        limits: Limits that a platform must meet, in words.
        values: Compared value per platform: seconds per image, or images per second and core.
        answers_s: Response time per platform, in seconds.
        reasons: Limits that each platform misses; empty if it meets them all.
        best: Index of the best platform that meets all limits; ``None`` if none does.
    """

    names: tuple[str, ...]
    is_cloud: bool
    batch_size: int
    limits: str
    values: NDArray[np.float64]
    answers_s: NDArray[np.float64]
    reasons: tuple[tuple[str, ...], ...]
    best: int | None

    def text_of(self, place: int) -> str:
        """Return a platform's compared value with its unit."""
        value = self.values[place]
        return f"{value:,.0f} images/s" if self.is_cloud else time_text(value)


class ChoiceView(View[ChoiceResult]):
    """A bar per platform: blue if it meets the limits, pale and hatched if not.

    Args:
        names: Names of the platforms.
        single_s: Time per image of each platform, in seconds.
        rates: Images per second and core, at every size, shape ``[platforms, sizes]``.
    """

    @styled
    def __init__(
        self, names: Sequence[str], single_s: NDArray[np.float64], rates: NDArray[np.float64]
    ) -> None:
        # Bars on a logarithmic axis begin at its left end; the right part is for their labels.
        self._ends = {
            False: (1e6 * single_s.min() / 3, 1e6 * single_s.max() * 300),
            True: (rates.min() / 3, rates.max() * 3000),
        }
        places = range(len(names))
        super().__init__(Picture(9.5, 1.2 + 0.42 * len(names)))
        self._axes = self.picture.subplots()
        name_rows(self._axes, names)
        self._axes.set_xscale("log")
        self._title = self._axes.set_title("Limits")
        self._bars = self._axes.barh(places, np.ones(len(names)), 0.7, color=COLOURS[1])
        self._texts = [self._axes.text(1, place, "", va="center") for place in places]
        self.moving = [*self._bars, *self._texts, self._title]

    def update(self, result: ChoiceResult) -> bool:
        """Update the bars and their labels; another job has another axis."""
        self._axes.set_xlabel(
            "images per second and core (more is better)"
            if result.is_cloud
            else "time per image (µs, less is better)"
        )
        self._title.set_text(f"Limits: {result.limits}")
        left = self._ends[result.is_cloud][0]
        lengths = result.values if result.is_cloud else 1e6 * result.values
        rows = zip(self._bars, self._texts, lengths, result.reasons, strict=True)
        for place, (bar, text, length, reasons) in enumerate(rows):
            bar.set(x=left, width=length - left, hatch="//" if reasons else "")
            bar.set(facecolor="0.9" if reasons else COLOURS[1], edgecolor="0.55")
            said = [result.text_of(place), *reasons]
            if place == result.best:
                bar.set(facecolor=COLOURS[3])
                said.append("the best")
            text.set(x=length * 1.15, text="; ".join(said), fontsize=11)
        return move_ends(self._axes, *self._ends[result.is_cloud])

    def describe(self, result: ChoiceResult) -> str:
        """Describe the best platform, and how many miss a limit."""
        job = f"batches of {result.batch_size}" if result.is_cloud else "one image at a time"
        missing = sum(bool(reasons) for reasons in result.reasons)
        if result.best is None:
            return (
                f"For {job}, each of {len(result.names)} platforms misses a limit of "
                f"{result.limits}."
            )
        return (
            f"For {job}, {result.names[result.best]} is the best: {result.text_of(result.best)}. "
            f"{missing} of {len(result.names)} platforms miss a limit of {result.limits}."
        )

    def table(self, result: ChoiceResult) -> list[Row]:
        """List each platform's value, its response time, and the limits that it misses."""
        return [
            (
                name + (" (the best)" if place == result.best else ""),
                f"{result.text_of(place)}, response in {time_text(result.answers_s[place])}"
                + "".join(f"; {reason}" for reason in result.reasons[place]),
            )
            for place, name in enumerate(result.names)
        ]
