"""The overhead explorer: a platform, a batch and a deadline, with measured times."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from deployworkbook.formulas.overhead import Overhead, fit_overhead
from deployworkbook.plots.overhead import OverheadResult, OverheadView
from deployworkbook.validation import value_error
from deployworkbook.widgets.controls import Choice, LogSlider, Stops
from deployworkbook.widgets.explorer import Explorer

LARGEST = 1024
SIZES = np.geomspace(1, LARGEST, 41)

BatchTimes = Mapping[int, float]


def compute_overhead(
    measured: Mapping[str, BatchTimes],
    lines: Mapping[str, Overhead],
    *,
    platform: str,
    batch_size: int,
    deadline_ms: float,
) -> OverheadResult:
    """Split a batch's time by the line through the platform's measured times.

    Args:
        measured: Seconds by platform and batch size.
        lines: Fitted line per platform, in seconds.
        platform: Name of the platform.
        batch_size: n, images per batch.
        deadline_ms: Deadline per batch.

    >>> line = Overhead(fixed=0.006, per_image=0.002)
    >>> measured = {"a": {1: 0.008, 10: 0.026}}
    >>> one = compute_overhead(measured, {"a": line}, platform="a", batch_size=7, deadline_ms=20.0)
    >>> round(one.time_s, 6), one.overhead_share, one.largest_batch
    (0.02, 0.3, 7.0)
    """
    times_s = np.array(list(measured[platform].values()))
    return OverheadResult(platform, lines[platform], batch_size, deadline_ms / 1000, times_s, SIZES)


def overhead_explorer(
    batch_s: Mapping[str, BatchTimes], *, platform: str | None = None
) -> Explorer[OverheadResult]:
    """Make the overhead explorer.

    Args:
        batch_s: Measured seconds per batch, by platform and size; all have the same sizes.
        platform: Initial platform; by default the first.

    Raises:
        ValueError: There is no platform, or sizes differ.
    """
    if not batch_s or len({tuple(each) for each in batch_s.values()}) != 1:
        received = ", ".join(f"{name}: {list(each)}" for name, each in batch_s.items()) or "none"
        expected = "platforms measured at the same sizes"
        raise value_error("batch_s", received=received, expected=expected)
    lines = {name: fit_overhead(list(each), list(each.values())) for name, each in batch_s.items()}
    controls = [
        Choice("platform", "platform", tuple(lines), platform or next(iter(lines))),
        Stops("batch_size", "images per batch", tuple(2**k for k in range(11)), 32),
        LogSlider("deadline_ms", "deadline per batch", 0.01, 1000, 10, 1.0, "ms"),
    ]
    compute = partial(compute_overhead, batch_s, lines)
    return Explorer(controls, compute, OverheadView(batch_s, SIZES))
