"""Platforms side by side: time per image, throughput by batch size, and footprint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FuncFormatter

from deployworkbook.plots.picture import COLOURS, LINES, MARKERS, Picture, name_rows, styled
from deployworkbook.plots.words import short

if TYPE_CHECKING:
    from deployworkbook.runtimes.comparison import PlatformResult
    from deployworkbook.runtimes.timing import Latency


@dataclass(frozen=True)
class PlatformFigures:
    """The measurements of one platform.

    Args:
        name: Name of the platform.
        p50_ms: Median time per image.
        p99_ms: 99th percentile of the time per image.
        size_bytes: Size of the files on disk.
        memory_bytes: Peak memory of a separate process; ``None`` if there was none.
        ready_s: Time of that process to its first answer.
        threads: Number of threads that it could use.
        batch_s: Time per batch, in seconds, by batch size.
    """

    name: str
    p50_ms: float
    p99_ms: float
    size_bytes: int
    memory_bytes: int | None
    ready_s: float | None
    threads: int
    batch_s: Mapping[int, float]

    @classmethod
    def of(cls, result: PlatformResult) -> PlatformFigures:
        """Make a platform's figures from a comparison."""
        return cls(
            name=result.name,
            p50_ms=result.latency.p50_ms,
            p99_ms=result.latency.p99_ms,
            size_bytes=result.artifact.size_bytes,
            memory_bytes=result.start.peak_memory_bytes if result.start else None,
            ready_s=result.start.ready_s if result.start else None,
            threads=result.threads,
            batch_s=result.batch_s,
        )


@styled
def latency_picture(latencies: Mapping[str, Latency], *, title: str) -> Picture:
    """Draw the time per image, from the median to the 99th percentile.

    Args:
        latencies: Latencies by platform.
        title: Title of the plot.
    """
    ordered = sorted(latencies.items(), key=lambda each: -each[1].p50_ms)
    names = [name for name, _ in ordered]
    p50_us, p99_us = 1000 * np.array([[each.p50_ms, each.p99_ms] for _, each in ordered]).T
    said = ", ".join(
        f"{name} {time_text(half)} (p99 {time_text(most)})"
        for name, half, most in zip(names, p50_us / 1e6, p99_us / 1e6, strict=True)
    )
    picture = Picture(8.5, 1.2 + 0.42 * len(names))
    picture.alt = f"{title}: time per image, the slowest first: {said}."
    axes = picture.subplots()
    places = np.arange(len(names))
    axes.hlines(places, p50_us, p99_us, color=COLOURS[6], lw=5, label="p50 to p99")
    axes.plot(p50_us, places, "o", color=COLOURS[1], ms=9, label="p50")
    for place, half, most in zip(places, p50_us, p99_us, strict=True):
        axes.annotate(
            time_text(half / 1e6),
            (max(half, most), place),
            (8, 0),
            textcoords="offset points",
            va="center",
            fontsize=11,
        )
    name_rows(axes, names)
    axes.set(xscale="log", title=title)
    axes.set_xlim(p50_us.min() / 2, p99_us.max() * 6)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: time_text(value / 1e6)))
    picture.legend(loc="outside lower right", ncols=2)
    return picture


@styled
def throughput_picture(
    platforms: Sequence[PlatformFigures], *, bound: Mapping[int, float] | None = None
) -> Picture:
    """Draw images per second by batch size.

    Args:
        platforms: Platforms, measured at the same batch sizes.
        bound: Upper bound of the machine, by batch size.
    """
    picture = Picture(8.5, 4.4)
    axes = picture.subplots()
    parts = []
    for place, platform in enumerate(platforms):
        sizes = np.array(list(platform.batch_s))
        rates = sizes / np.array(list(platform.batch_s.values()))
        axes.plot(
            sizes,
            rates,
            MARKERS[place % len(MARKERS)] + LINES[place // len(COLOURS) % len(LINES)],
            color=COLOURS[place % len(COLOURS)],
            label=platform.name,
            ms=6,
        )
        parts.append(f"{platform.name} from {rates[0]:,.0f} to {rates[-1]:,.0f}")
    if bound is not None:
        axes.plot(list(bound), list(bound.values()), ":", color=COLOURS[0], lw=2, label="bound")
        parts.append(f"the bound from {min(bound.values()):,.0f} on")
    axes.set(xscale="log", yscale="log", xlabel="images per batch", ylabel="images per second")
    axes.set_xticks(sizes, [f"{size}" for size in sizes])
    axes.set_xticks([], minor=True)
    axes.set_title("Throughput by batch size")
    picture.legend(loc="outside right upper")
    picture.alt = f"Images per second, at batches of {sizes[0]} to {sizes[-1]}: {'; '.join(parts)}."
    return picture


@styled
def footprint_picture(platforms: Sequence[PlatformFigures]) -> Picture:
    """Draw each platform's footprint: file size and, if measured, memory and start-up time.

    Args:
        platforms: Platforms, in the order of the rows.
    """
    names = [each.name for each in platforms]
    columns = {
        "files (KB)": [each.size_bytes / 1e3 for each in platforms],
        "peak memory (MB)": [(each.memory_bytes or np.nan) / 1e6 for each in platforms],
        "time to first answer (s)": [each.ready_s or np.nan for each in platforms],
    }
    known = {title: values for title, values in columns.items() if np.isfinite(values).all()}
    picture = Picture(10, 1.2 + 0.36 * len(names))
    places = np.arange(len(names))
    panels = picture.subplots(1, len(known), sharey=True, squeeze=False)[0]
    for axes, (title, values), colour in zip(panels, known.items(), COLOURS[1:], strict=False):
        bars = axes.barh(places, values, 0.7, color=colour)
        axes.bar_label(bars, [f"{value:.3g}" for value in values], padding=3, fontsize=11)
        axes.set(title=title, xlim=(0, 1.25 * max(values)))
        axes.grid(False, axis="y")
    panels[0].set_yticks(places, names)
    panels[0].invert_yaxis()
    said = "; ".join(
        f"{title}: "
        + ", ".join(f"{name} {value:.3g}" for name, value in zip(names, values, strict=True))
        for title, values in known.items()
    )
    picture.alt = f"Footprint of each platform. {said}."
    return picture


def time_text(seconds: float) -> str:
    """Format a time in a suitable unit, with three digits.

    >>> time_text(4.8e-6), time_text(0.0268), time_text(3.0), time_text(9.999e-4)
    ('4.8 µs', '26.8 ms', '3 s', '1 ms')
    """
    rounded = float(f"{seconds:.3g}")
    for unit, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if rounded >= unit:
            return f"{short(rounded / unit)} {name}"
    return f"{rounded / 1e-9:.3g} ns"
