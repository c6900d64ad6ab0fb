"""A server that stalls for a moment, as different loads see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np

from deployworkbook.plots.picture import COLOURS, STYLE, Picture

if TYPE_CHECKING:
    from deployworkbook.serving.load.result import LoadResult


def stall_picture(loads: Mapping[str, LoadResult]) -> Picture:
    """Draw the latency of each request by its due time, one plot per load.

    Args:
        loads: Results by the load's name, at least one.
    """
    said = "; ".join(
        f"{name}: {len(load.latencies_ms):,} answers, {int((load.latencies_ms > 100).sum()):,} of "
        f"them after more than 100 ms, p99 {load.p99_ms:.3g} ms"
        for name, load in loads.items()
    )
    with mpl.rc_context(STYLE):
        picture = Picture(10, 3.6, alt=f"Latency of each request (measured). {said}.")
        axes_of = picture.subplots(1, len(loads), sharex=True, sharey=True, squeeze=False)[0]
        for axes, (name, load) in zip(axes_of, loads.items(), strict=True):
            due = load.intended_s[load.is_answered]
            axes.plot(due, load.latencies_ms, ".", color=COLOURS[1], ms=5, label="a request")
            axes.axhline(load.p99_ms, color=COLOURS[2], ls="--", label="p99")
            axes.axhline(load.p50_ms, color=COLOURS[0], ls=":", label="p50")
            axes.set(title=f"{name} (measured)", xlabel="due time (s)", yscale="log")
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3)
        axes_of[0].set_ylabel("latency (ms)")
        lowest = min(np.min(load.latencies_ms, initial=1.0) for load in loads.values())
        axes_of[0].set_ylim(bottom=lowest / 1.5)
    return picture
