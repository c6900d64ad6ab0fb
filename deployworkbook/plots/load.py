"""A server under load: latency by throughput, per request over time, and during a stall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from deployworkbook.plots.picture import COLOURS, MARKERS, Picture, styled

if TYPE_CHECKING:
    from deployworkbook.serving.load.result import LoadResult


@styled
def throughput_latency_curves(curves: Mapping[str, Sequence[LoadResult]]) -> Picture:
    """Draw the median and the 99th percentile of latency by throughput, a colour per curve.

    Hollow marks are loads that were not sustained: with errors, or with requests left at the end.

    Args:
        curves: Loads in ascending order, by the name of the tested server.
    """
    parts = []
    picture = Picture(8, 4.2)
    axes = picture.subplots()
    for (name, results), colour, marker in zip(curves.items(), COLOURS[1:], MARKERS, strict=False):
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


@styled
def load_over_time(result: LoadResult, events: Mapping[str, float] | None = None) -> Picture:
    """Draw each request's latency by its due time, coloured by the version that answered.

    Args:
        result: Result of one load.
        events: Times of events to mark, in seconds from the load's start, by name.
    """
    marks = events or {}
    latencies = 1000 * (result.done_s - result.intended_s)
    answered = result.is_answered
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


@styled
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
    picture = Picture(10, 3.6, alt=f"Latency of each request (measured). {said}.")
    axes_of = picture.subplots(1, len(loads), sharex=True, sharey=True, squeeze=False)[0]
    for axes, (name, load) in zip(axes_of, loads.items(), strict=True):
        due = load.intended_s[load.is_answered]
        axes.plot(due, load.latencies_ms, ".", color=COLOURS[1], ms=5, label="request")
        axes.axhline(load.p99_ms, color=COLOURS[2], ls="--", label="p99")
        axes.axhline(load.p50_ms, color=COLOURS[0], ls=":", label="p50")
        axes.set(title=f"{name} (measured)", xlabel="due time (s)", yscale="log")
        axes.set_ylabel("latency (ms)")
        axes.tick_params(labelleft=True)  # a narrow screen shows them below each other
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3)
    lowest = min(np.min(load.latencies_ms, initial=1.0) for load in loads.values())
    axes_of[0].set_ylim(bottom=lowest / 1.5)
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
