"""The ledger's entries as a table; a separate module because pandas takes half a second."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from deployworkbook.formulas.intervals import wilson_interval
from deployworkbook.ledger.measurement import LedgerEntry, newest

FIGURES = (
    "variant",
    "runtime",
    "dataset",
    "kind",
    "size (KB)",
    "zipped (KB)",
    "accuracy (%)",
    "95 % interval",
    "p50 (ms)",
    "p99 (ms)",
    "best images/s",
    "at batch",
    "memory (MB)",
)
# Shown only if a row has one of them: few rows come from a microcontroller.
ON_A_CHIP = ("flash (KB)", "RAM (KB)", "instructions")
DETAILS = ("threads", "load (ms)", "ready (ms)", "lesson", "measured at (UTC)", "machine", "note")
NUMBERS = (*FIGURES[4:7], *FIGURES[8:11], FIGURES[12], *ON_A_CHIP, *DETAILS[1:3])


def as_table(entries: Sequence[LedgerEntry], *, every: bool, details: bool) -> pd.DataFrame:
    """Return entries as a table; KB and MB are units of 1000 and 1000² bytes.

    Args:
        entries: Entries of the ledger, oldest first.
        every: Whether to keep all entries rather than the newest per variant, runtime, data set,
            kind and machine.
        details: Whether to add the columns ``DETAILS``.

    Returns:
        One row per entry, indexed by its number; the columns ``ON_A_CHIP`` only if a row has them,
        or with the details.
    """
    kept = list(entries) if every else newest(entries)
    index = pd.Index([entry.id for entry in kept], name="row", dtype="int64")
    rows = [_row(entry) for entry in kept]
    table = pd.DataFrame(rows, index=index, columns=[*FIGURES, *ON_A_CHIP, *DETAILS])
    for column in NUMBERS:
        table[column] = table[column].astype("float64")
    for column in ("at batch", "threads"):
        # A nullable integer: float64 would show 256 as 256.0.
        table[column] = table[column].astype("Int64")
    if details:
        return table
    chips = [column for column in ON_A_CHIP if table[column].notna().any()]
    return table[[*FIGURES, *chips]]


def _row(entry: LedgerEntry) -> tuple[object, ...]:
    measurement = entry.measurement
    rates = measurement.throughput_per_s
    best = max(rates, key=lambda size: rates[size], default=None)
    return (
        measurement.variant,
        measurement.runtime,
        measurement.dataset,
        measurement.kind,
        _scaled(measurement.size_bytes, 1000, 1),
        _scaled(measurement.compressed_bytes, 1000, 1),
        _scaled(measurement.accuracy, 0.01, 2),
        _interval(measurement.correct, measurement.examples),
        _rounded(measurement.latency_p50_ms),
        _rounded(measurement.latency_p99_ms),
        _rounded(rates[best] if best else None),
        best,
        _scaled(measurement.peak_memory_bytes, 1e6, 0),
        _scaled(measurement.flash_bytes, 1000, 2),
        _scaled(measurement.ram_bytes, 1000, 2),
        _scaled(measurement.instructions_per_image, 1, 0),
        measurement.threads,
        _rounded(measurement.load_ms),
        _rounded(measurement.ready_ms),
        measurement.lesson,
        entry.measured_at.replace("T", " ").replace("+00:00", ""),
        str(entry.machine),
        measurement.note,
    )


def _interval(correct: int | None, examples: int | None) -> str:
    if correct is None or examples is None:
        return ""
    low, high = wilson_interval(correct, examples)
    return f"{low:.2%}–{high:.2%}".replace("%–", "–").replace("%", " %")


def _scaled(value: float | None, unit: float, digits: int) -> float | None:
    return None if value is None else round(value / unit, digits)


def _rounded(value: float | None) -> float | None:
    """Round to three significant digits: more would be noise."""
    return None if value is None else float(f"{value:.3g}")
