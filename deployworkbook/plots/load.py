"""A server under load: latency by throughput, and per request over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np

from deployworkbook.plots.picture import COLOURS, STYLE, Picture

if TYPE_CHECKING:
    from deployworkbook.serving.load.result import LoadResult

MARKERS = ("o", "s", "^", "D", "v")


def throughput_latency_curves(curves: Mapping[str, Sequence[LoadResult]]) -> Picture:
    """Draw the median and the 99th percentile of latency by throughput, a colour per curve.

    Hollow marks are loads that were not sustained: with errors, or with requests left at the end.

    Args:
        curves: Loads in ascending order, by the name of the tested server.
    """
    parts = []
    with mpl.rc_context(STYLE):
        picture = Picture(8, 4.2)
        axes = picture.subplots()
        for (name, results), colour, marker in zip(
            curves.items(), COLOURS[1:], MARKERS, strict=False
        ):
            rates = [result.throughput_per_s for result in results]
            fills = [colour if is_held(result) else "white" for result in results]
            for style, label, latencies in (
                ("-", "p99", [result.p99_ms for result in results]),
                (":", "p50", [result.p50_ms for result in results]),
            ):
                axes.plot(rates, latencies, style, color=colour, lw=2, label=f"{name}, {label}")
                axes.scatter(
                    rates,
                    latencies,
                    c=fills,
                    marker=marker,
                    edgecolors=colour,
                    linewidths=1.5,
                    zorder=3,
                )
            parts.append(_words(name, results))
        axes.set(
            xlabel="requests answered per second",
            ylabel="latency (ms)",
            yscale="log",
            title="Latency by throughput (hollow: load not sustained)",
        )
        axes.set_xlim(left=0)
        axes.yaxis.set_major_formatter("{x:g}")
        picture.legend(loc="outside right upper")
        picture.alt = f"Latency by throughput. {' '.join(parts)}"
    return picture


def load_over_time(result: LoadResult, events: Mapping[str, float] | None = None) -> Picture:
    """Draw each request's latency by its due time, coloured by the version that answered.

    Args:
        result: Result of one load.
        events: Times of events to mark, in seconds from the load's start, by name.
    """
    marks = events or {}
    latencies = 1000 * (result.done_s - result.intended_s)
    answered = result.is_answered
    with mpl.rc_context(STYLE):
        picture = Picture(8, 3.6)
        axes = picture.subplots()
        for version, colour in zip(np.unique(result.versions[answered]), COLOURS[1:], strict=False):
            chosen = answered & (result.versions == version)
            label = f"version {version}" if version >= 0 else "answered"
            axes.plot(
                result.intended_s[chosen], latencies[chosen], ".", color=colour, ms=4, label=label
            )
        if not answered.all():
            failed = ~answered
            axes.plot(
                result.intended_s[failed], latencies[failed], "x", color=COLOURS[0], label="failed"
            )
        for (name, moment), style in zip(marks.items(), ("--", "-.", ":"), strict=False):
            axes.axvline(moment, color=COLOURS[0], linestyle=style, lw=1.2, label=name)
        axes.set(
            xlabel="due time of the request (s)",
            ylabel="latency (ms)",
            yscale="log",
            title="Request by request",
        )
        axes.yaxis.set_major_formatter("{x:g}")
        picture.legend(loc="outside right upper")
        picture.alt = _story(result, marks)
    return picture


def is_held(result: LoadResult) -> bool:
    """Return whether all requests were answered, about as fast as they arrived."""
    return not result.errors and not result.is_saturated


def _words(name: str, results: Sequence[LoadResult]) -> str:
    if not results:
        return f"{name}: nothing measured."
    first, last = results[0], results[-1]
    text = (
        f"{name}: from {first.throughput_per_s:,.0f} per second at p50 {first.p50_ms:,.1f} and p99 "
        f"{first.p99_ms:,.1f} ms to {last.throughput_per_s:,.0f} per second at p50 "
        f"{last.p50_ms:,.1f} and p99 {last.p99_ms:,.1f} ms"
    )
    lost = sum(not is_held(result) for result in results)
    return f"{text}; {lost} of {len(results)} loads were not sustained." if lost else f"{text}."


def _story(result: LoadResult, events: Mapping[str, float]) -> str:
    failed = len(result) - int(result.is_answered.sum())
    parts = [
        f"{len(result):,} requests in {result.seconds:.1f} s, {failed or 'none'} failed; p50 "
        f"{result.p50_ms:,.1f} ms, p99 {result.p99_ms:,.1f} ms."
    ]
    for version in np.unique(result.versions[result.is_answered & (result.versions >= 0)]):
        chosen = result.is_answered & (result.versions == version)
        parts.append(
            f"Version {version} answered {int(chosen.sum()):,}, from "
            f"{result.intended_s[chosen].min():.1f} to {result.intended_s[chosen].max():.1f} s."
        )
    parts += [f"Marked: {name} at {moment:.1f} s." for name, moment in events.items()]
    return " ".join(parts)
