"""The grid of a sweep: its points, how far each has come, and all of them as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

import pandas as pd

from deployworkbook.compression import pipeline
from deployworkbook.compression.stages import Prune, Quantize, Stage
from deployworkbook.formulas.frontier import pareto
from deployworkbook.ledger.measurement import Measurement
from deployworkbook.validation import check_choice, check_integer

Status = Literal["found", "running", "measured", "failed again", "failed", "stopped"]


@dataclass(frozen=True)
class SweepPoint:
    """A point of the grid.

    Args:
        bits: Of a weight, 4 or 8.
        sparsity: Share of the weights that go, in [0, 1).
        temperature: T, at which the student hears its teacher, above 0.
    """

    bits: int
    sparsity: float
    temperature: float

    def recipe(self, epochs: int | None = None) -> tuple[Stage, ...]:
        """Give the pipeline's own recipe at this point.

        Args:
            epochs: Of the longest stage, by default the recipe's; the others change as it does.

        Raises:
            TypeError: A value is of another type.
            ValueError: A value is out of range.
        """
        usual = max(stage.settings.epochs for stage in pipeline.RECIPE)
        ratio = 1.0 if epochs is None else check_integer("epochs", epochs, 1) / usual
        return tuple(self._set(stage, ratio) for stage in pipeline.RECIPE)

    def name(self, *, epochs: int | None = None, seed: int = 0) -> str:
        """Name what is made at this point: the point, and an unusual number of epochs or seed.

        >>> SweepPoint(4, 0.9, 2.0).name(epochs=5, seed=1)
        'prune90-T2-int4-e5-seed1'
        """
        usual = max(stage.settings.epochs for stage in pipeline.RECIPE)
        parts = [str(self)]
        if epochs not in (None, usual):
            parts.append(f"e{epochs}")
        return "-".join([*parts, f"seed{seed}"] if seed else parts)

    def _set(self, stage: Stage, ratio: float) -> Stage:
        epochs = max(1, round(ratio * stage.settings.epochs))
        settings = replace(stage.settings, epochs=epochs, temperature=self.temperature)
        if isinstance(stage, Prune):
            pruning = replace(stage.pruning, sparsity=self.sparsity)
            return replace(stage, pruning=pruning, settings=settings)
        if isinstance(stage, Quantize):
            bits: Literal[4, 8] = check_choice("bits", self.bits, (4, 8))
            return replace(stage, bits=bits, settings=settings)
        return replace(stage, settings=settings)

    def __str__(self) -> str:
        return f"prune{self.sparsity * 100:.10g}-T{self.temperature:.10g}-int{self.bits}"


@dataclass(frozen=True)
class SweepResult:
    """How far a point has come.

    Args:
        point: Which.
        status: ``"found"`` in the ledger; ``"running"``; ``"measured"`` now; ``"failed again"``,
            and will be tried once more; ``"failed"`` for good; ``"stopped"`` by Ctrl-C.
        measurement: What it came to, if it did.
        attempts: How often it was begun.
        stages_made: Stages of the last attempt that were not in the cache.
        error: Why it failed, in one line.
    """

    point: SweepPoint
    status: Status
    measurement: Measurement | None = None
    attempts: int = 0
    stages_made: int = 0
    error: str = ""


def grid(
    *, bits: Sequence[int], sparsity: Sequence[float], temperature: Sequence[float]
) -> list[SweepPoint]:
    """List all points of a grid, each once; those that share the pruned model stand together.

    >>> [str(point) for point in grid(bits=[4, 8], sparsity=[0.9], temperature=[2, 4])]
    ['prune90-T2-int4', 'prune90-T2-int8', 'prune90-T4-int4', 'prune90-T4-int8']
    """
    return list(
        dict.fromkeys(
            SweepPoint(width, float(share), float(T))
            for share, T, width in product(sparsity, temperature, bits)
        )
    )


def as_table(results: Sequence[SweepResult]) -> pd.DataFrame:
    """Lay results out, a row a point, with units in the names of the columns.

    ``frontier`` says of which points no other is both smaller, zipped, and more accurate.
    """
    rows = []
    for result in results:
        point, measured = result.point, result.measurement
        accuracy = None if measured is None else measured.accuracy
        rows.append(
            {
                "point": str(point),
                "bits": point.bits,
                "sparsity": point.sparsity,
                "temperature": point.temperature,
                "status": result.status,
                "zipped (bytes)": measured and measured.compressed_bytes,
                "accuracy (%)": None if accuracy is None else 100 * accuracy,
                "p50 (ms)": measured and measured.latency_p50_ms,
                "attempts": result.attempts,
                "error": result.error,
            }
        )
    table = pd.DataFrame(rows).astype(
        {"zipped (bytes)": "Int64", "accuracy (%)": "float64", "p50 (ms)": "float64"}
    )
    known = table["accuracy (%)"].notna()
    table.insert(8, "frontier", False)
    if known.any():
        there = table[known]
        table.loc[known, "frontier"] = pareto(
            there["zipped (bytes)"].to_numpy(dtype=float), there["accuracy (%)"].to_numpy()
        )
    return table


def best_of(results: Sequence[SweepResult]) -> SweepResult | None:
    """Choose the most accurate point, of equals the smaller; ``None`` if none is measured."""
    known = [
        (measured.accuracy, -measured.compressed_bytes, result)
        for result in results
        if (measured := result.measurement) is not None
        and measured.accuracy is not None
        and measured.compressed_bytes is not None
    ]
    best = max(known, key=lambda entry: entry[:2], default=None)
    return None if best is None else best[-1]
