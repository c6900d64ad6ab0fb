"""The advice explorer: move the objectives, and see which deployment is the cheapest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from deployworkbook.costs.advice.advise import advise
from deployworkbook.costs.estimation.profile import Profile
from deployworkbook.costs.estimation.workload import DAYS, Workload
from deployworkbook.costs.prices.catalog import Catalog
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.prices.note import price_note
from deployworkbook.plots.advice import AdviceResult, AdviceView
from deployworkbook.validation import value_error
from deployworkbook.widgets.controls import Choice, Control, LogSlider, Slider
from deployworkbook.widgets.cost_controls import rate_slider
from deployworkbook.widgets.explorer import Explorer

LATENCY_LOW_MS, LATENCY_HIGH_MS = 1.0, 1000.0
MEMORY_LOW_MB, MEMORY_HIGH_MB = 20.0, 10_000.0
REFERENCE = "float32"


def compute_advice(
    workload: Workload,
    profiles: Sequence[Profile],
    catalog: Catalog,
    *,
    requests_per_s: float,
    day: str,
    latency_ms: float,
    accuracy_percent: float,
    memory_mb: float,
) -> AdviceResult:
    """Compare all profiles on all cloud machines; keep each profile's cheapest machine.

    Args:
        workload: Workload; the controls override its values.
        profiles: Measured variants in runtimes.
        catalog: Prices and assumptions.
        requests_per_s: Mean request rate over the week.
        day: Shape of the day, a key of ``DAYS``.
        latency_ms: Latency objective for 99 of 100 requests.
        accuracy_percent: Accuracy objective.
        memory_mb: Most memory that a process may take, in units of 10⁶ bytes.
    """
    work = replace(
        workload,
        requests_per_s=requests_per_s,
        daily_shape=DAYS[day],
        latency_objective_ms=latency_ms,
    )
    accuracy, memory = accuracy_percent / 100, memory_mb * 1e6
    advice = advise(work, profiles, catalog, accuracy_share=accuracy, memory_bytes=memory)
    able = ~(advice.too_large | advice.too_slow)
    return AdviceResult(
        advice,
        advice.best,
        advice.cheapest_of(variant=REFERENCE),
        accuracy_share=np.array([profile.accuracy_share for profile in profiles]),
        costs_usd=np.where(able, advice.costs_usd_per_month, np.inf).min(axis=1),
        too_large=np.asarray(advice.too_large.all(axis=1)),
    )


def advice_explorer(
    profiles: Sequence[Profile],
    workload: Workload,
    catalog: Catalog | None = None,
    *,
    accuracy_share: float = 0.95,
    memory_bytes: float = np.inf,
) -> Explorer[AdviceResult]:
    """Make the explorer of an advice.

    Args:
        profiles: Measured variants in runtimes, at least one.
        workload: Initial traffic and latency objective, each clipped to its slider's range.
        catalog: Prices and assumptions; by default the shipped catalogue.
        accuracy_share: Initial accuracy objective.
        memory_bytes: Initial memory objective.

    Raises:
        ValueError: There is no profile.
    """
    if not profiles:
        remedy = "Measure some first: lessons 04 to 09 write them to the ledger."
        raise value_error("profiles", received="none", expected="at least one", remedy=remedy)
    book = load_catalog() if catalog is None else catalog
    latency = float(np.clip(workload.latency_objective_ms, LATENCY_LOW_MS, LATENCY_HIGH_MS))
    memory = float(np.clip(memory_bytes / 1e6, MEMORY_LOW_MB, MEMORY_HIGH_MB))
    shape = next((name for name, each in DAYS.items() if each == workload.daily_shape), "flat")
    accuracy = np.array([profile.accuracy_share for profile in profiles])
    # Cover the range of the profiles' accuracies.
    low = float(max(0.0, np.floor(100 * accuracy.min()) - 1.0))
    asked = float(np.clip(round(100 * accuracy_share, 10), low, 100.0))
    controls: list[Control] = [
        rate_slider(workload),
        LogSlider(
            "latency_ms", "p99 at most", LATENCY_LOW_MS, LATENCY_HIGH_MS, 20, latency, unit="ms"
        ),
        Slider("accuracy_percent", "accuracy at least", low, 100.0, 0.05, asked, unit="%"),
        LogSlider(
            "memory_mb", "memory at most", MEMORY_LOW_MB, MEMORY_HIGH_MB, 20, memory, unit="MB"
        ),
        Choice("day", "day", tuple(DAYS), shape),
    ]
    return Explorer(
        controls,
        partial(compute_advice, workload, tuple(profiles), book),
        AdviceView(accuracy, price_note(book)),
    )
