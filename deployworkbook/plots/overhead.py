"""The time per batch: overhead, time per image, and a deadline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deployworkbook.plots.picture import COLOURS, Picture, styled
from deployworkbook.plots.platforms import time_text
from deployworkbook.plots.view import Row, View

if TYPE_CHECKING:
    from deployworkbook.formulas.overhead import Overhead


@dataclass(frozen=True, eq=False)
class OverheadResult:
    """The data of an overhead plot.

    Args:
        platform: Name of the platform.
        line: Line through its measured times, in seconds.
        batch_size: n, images per batch.
        deadline_s: Deadline per batch, in seconds.
        measured_s: Measured times of this platform, shape ``[k]``.
        sizes: Batch sizes of the curves, shape ``[m]``.
    """

    platform: str
    line: Overhead
    batch_size: int
    deadline_s: float
    measured_s: NDArray[np.float64]
    sizes: NDArray[np.float64]

    @property
    def time_s(self) -> float:
        """Time of the batch, a + b n, in seconds."""
        return float(self.line.time(self.batch_size))

    @property
    def throughput_per_s(self) -> float:
        """Images per second in such batches, n / (a + b n)."""
        return self.batch_size / self.time_s

    @property
    def overhead_share(self) -> float:
        """Share of the batch's time that is overhead."""
        return self.line.fixed / self.time_s

    @property
    def largest_batch(self) -> float:
        """Largest batch that meets the deadline; 0 if none does, infinite if all do."""
        return self.line.largest_batch(self.deadline_s)


class OverheadView(View[OverheadResult]):
    """A batch's time with its two parts, and the throughput of all platforms.

    Args:
        batch_s: Measured time per batch, in seconds, by platform and size.
        sizes: Batch sizes of the curves.
    """

    @styled
    def __init__(
        self, batch_s: Mapping[str, Mapping[int, float]], sizes: NDArray[np.float64]
    ) -> None:
        measured = {
            name: (np.array(list(each)), np.array(list(each.values())))
            for name, each in batch_s.items()
        }
        every_s = np.concatenate([times for _, times in measured.values()])
        rates = np.concatenate([n / times for n, times in measured.values()])
        self._sizes = next(iter(measured.values()))[0]
        ends = (sizes[0] / 1.25, sizes[-1] * 1.25)
        super().__init__(Picture(10, 4))
        time, rate = self.picture.subplots(1, 2)
        time.set(title="Time per batch (ms)", xlabel="images per batch")
        time.set(xscale="log", yscale="log", xlim=ends)
        time.set_ylim(1e3 * every_s.min() / 4, 1e3 * every_s.max() * 4)
        self._line = self.line(time, color=COLOURS[1], lw=2, label="a + b n")
        self._fixed = self.line(time, "--", color=COLOURS[2], lw=1.8, label="overhead a")
        self._images = self.line(time, "-.", color=COLOURS[3], lw=1.8, label="images b n")
        self._points = self.line(time, "o", color=COLOURS[0], ms=5, label="measured")
        self._deadline = self.line(time, ":", color=COLOURS[4], lw=2, label="deadline")
        self._now = self.line(time, "o", color=COLOURS[2], ms=12, mfc="none", mew=2)
        rate.set(title="Images per second", xlabel="images per batch", xlim=ends)
        rate.set(xscale="log", yscale="log", ylim=(rates.min() / 2, rates.max() * 2))
        for n, times in measured.values():
            rate.plot(n, n / times, color="0.55", lw=1.2, zorder=1)
        self._rate = self.line(rate, color=COLOURS[1], lw=2)
        self._rates = self.line(rate, "o", color=COLOURS[0], ms=5)
        self._most = self.line(rate, ":", color=COLOURS[3], lw=1.8, label="at most 1 / b")
        self._here = self.line(rate, "o", color=COLOURS[2], ms=12, mfc="none", mew=2)
        handles = time.get_legend_handles_labels()[0] + rate.get_legend_handles_labels()[0]
        self.picture.legend(handles=handles, loc="outside lower center", ncols=6)

    def update(self, result: OverheadResult) -> bool:
        """Move the lines to the platform, and the circles to the batch."""
        line, n = result.line, result.sizes
        ends = n[[0, -1]]
        self._line.set_data(n, 1e3 * line.time(n))
        self._fixed.set_data(ends, [1e3 * line.fixed] * 2)
        self._images.set_data(ends, 1e3 * line.per_image * ends)
        self._points.set_data(self._sizes, 1e3 * result.measured_s)
        self._deadline.set_data(ends, [1e3 * result.deadline_s] * 2)
        self._now.set_data([result.batch_size], [1e3 * result.time_s])
        self._rate.set_data(n, line.throughput(n))
        self._rates.set_data(self._sizes, self._sizes / result.measured_s)
        most = 1 / line.per_image if line.per_image else np.inf
        self._most.set_data(ends, [most] * 2)
        self._here.set_data([result.batch_size], [result.throughput_per_s])
        return False

    def describe(self, result: OverheadResult) -> str:
        """Describe the batch's time, its overhead, and the throughput."""
        return (
            f"{result.platform}, batches of {result.batch_size}: {time_text(result.time_s)}, of "
            f"which {result.overhead_share:.1%} are overhead; {result.throughput_per_s:,.0f} "
            f"images per second. Half of the maximum takes {result.line.half_batch:,.1f} images. "
            f"The largest batch within {time_text(result.deadline_s)} has "
            f"{result.largest_batch:,.0f} images."
        )

    def table(self, result: OverheadResult) -> list[Row]:
        """List the overhead, the time per image, the batch's time, and the largest batch."""
        return [
            ("overhead per call, a", time_text(result.line.fixed)),
            ("time per image, b", time_text(result.line.per_image)),
            (f"a batch of {result.batch_size}", time_text(result.time_s)),
            ("its overhead", f"{result.overhead_share:.1%}"),
            ("throughput", f"{result.throughput_per_s:,.0f} images/s"),
            ("half of the maximum at", f"{result.line.half_batch:,.1f} images"),
            (
                f"largest batch within {time_text(result.deadline_s)}",
                f"{result.largest_batch:,.0f} images" if result.largest_batch else "none",
            ),
        ]
