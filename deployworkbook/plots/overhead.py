"""The time per batch: overhead, time per image, and a deadline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from deployworkbook.plots.picture import COLOURS, STYLE, Picture
from deployworkbook.plots.platforms import time_text
from deployworkbook.plots.view import Row, View


@dataclass(frozen=True, eq=False)
class OverheadResult:
    """The data of an overhead plot.

    Args:
        platform: Name of the platform.
        batch_size: n, images per batch.
        fixed_s: a, overhead per call, in seconds.
        per_image_s: b, time per image, in seconds.
        time_s: a + b n, in seconds.
        throughput_per_s: n / (a + b n).
        half_batch: a / b, the batch size at which half of the time is overhead.
        deadline_s: Deadline of a batch, in seconds.
        largest_batch: Largest batch that meets it; 0 if none does, infinite if all do.
        measured_s: Measured times of this platform, shape ``[k]``.
        sizes: Batch sizes of the curves.
        times_s: a + b n at each of them, shape ``[m]``.
    """

    platform: str
    batch_size: int
    fixed_s: float
    per_image_s: float
    time_s: float
    throughput_per_s: float
    half_batch: float
    deadline_s: float
    largest_batch: float
    measured_s: NDArray[np.float64]
    sizes: NDArray[np.float64]
    times_s: NDArray[np.float64]

    @property
    def overhead_share(self) -> float:
        """Share of the batch's time that is overhead."""
        return self.fixed_s / self.time_s


class OverheadView(View[OverheadResult]):
    """A batch's time with its two parts, and the throughput of all platforms.

    Args:
        batch_s: Measured time per batch, in seconds, by platform and size.
        sizes: Batch sizes of the curves.
    """

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
        with mpl.rc_context(STYLE):
            super().__init__(Picture(10.5, 4))
            time, rate = self.picture.subplots(1, 2)
            time.set(title="Time per batch (ms)", xlabel="images per batch")
            time.set(xscale="log", yscale="log", xlim=ends)
            time.set_ylim(1e3 * every_s.min() / 4, 1e3 * every_s.max() * 4)
            (self._line,) = time.plot([], [], color=COLOURS[1], lw=2, label="a + b n")
            (self._fixed,) = time.plot([], [], "--", color=COLOURS[2], lw=1.8, label="overhead a")
            (self._images,) = time.plot([], [], "-.", color=COLOURS[3], lw=1.8, label="images b n")
            (self._points,) = time.plot([], [], "o", color=COLOURS[0], ms=5, label="measured")
            (self._deadline,) = time.plot([], [], ":", color=COLOURS[4], lw=2, label="deadline")
            (self._now,) = time.plot([1], [1], "o", color=COLOURS[2], ms=12, mfc="none", mew=2)
            rate.set(title="Images per second", xlabel="images per batch", xlim=ends)
            rate.set(xscale="log", yscale="log", ylim=(rates.min() / 2, rates.max() * 2))
            for n, times in measured.values():
                rate.plot(n, n / times, color="0.8", lw=1.2, zorder=1)
            (self._rate,) = rate.plot([], [], color=COLOURS[1], lw=2)
            (self._rates,) = rate.plot([], [], "o", color=COLOURS[0], ms=5)
            (self._most,) = rate.plot([], [], ":", color=COLOURS[3], lw=1.8, label="at most 1 / b")
            (self._here,) = rate.plot([1], [1], "o", color=COLOURS[2], ms=12, mfc="none", mew=2)
            handles = time.get_legend_handles_labels()[0] + rate.get_legend_handles_labels()[0]
            self.picture.legend(handles=handles, loc="outside lower center", ncols=6)
        self.moving = [
            *(self._line, self._fixed, self._images, self._points, self._deadline, self._now),
            *(self._rate, self._rates, self._most, self._here),
        ]

    def update(self, result: OverheadResult) -> bool:
        """Move the lines to the platform, and the circles to the batch."""
        n = result.sizes
        ends = n[[0, -1]]
        self._line.set_data(n, 1e3 * result.times_s)
        self._fixed.set_data(ends, [1e3 * result.fixed_s] * 2)
        self._images.set_data(ends, 1e3 * result.per_image_s * ends)
        self._points.set_data(self._sizes, 1e3 * result.measured_s)
        self._deadline.set_data(ends, [1e3 * result.deadline_s] * 2)
        self._now.set_data([result.batch_size], [1e3 * result.time_s])
        self._rate.set_data(n, n / result.times_s)
        self._rates.set_data(self._sizes, self._sizes / result.measured_s)
        most = 1 / result.per_image_s if result.per_image_s else np.inf
        self._most.set_data(ends, [most] * 2)
        self._here.set_data([result.batch_size], [result.throughput_per_s])
        return False

    def describe(self, result: OverheadResult) -> str:
        """Describe the batch's time, its overhead, and the throughput."""
        return (
            f"{result.platform}, batches of {result.batch_size}: {time_text(result.time_s)}, of "
            f"which {result.overhead_share:.1%} are overhead; {result.throughput_per_s:,.0f} "
            f"images per second. Half of the maximum takes {result.half_batch:,.1f} images. "
            f"The largest batch within {time_text(result.deadline_s)} has "
            f"{result.largest_batch:,.0f} images."
        )

    def table(self, result: OverheadResult) -> list[Row]:
        """List the overhead, the time per image, the batch's time, and the largest batch."""
        return [
            ("overhead per call, a", time_text(result.fixed_s)),
            ("time per image, b", time_text(result.per_image_s)),
            (f"a batch of {result.batch_size}", time_text(result.time_s)),
            ("its overhead", f"{result.overhead_share:.1%}"),
            ("throughput", f"{result.throughput_per_s:,.0f} images/s"),
            ("half of the maximum at", f"{result.half_batch:,.1f} images"),
            (
                f"largest batch within {time_text(result.deadline_s)}",
                f"{result.largest_batch:,.0f} images" if result.largest_batch else "none",
            ),
        ]
