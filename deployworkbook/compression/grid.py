"""The grid of a sweep: its points, their results, and a table of them.

A point's recipe needs TensorFlow, and only the table needs pandas. Both take long to import, so
they are imported there: workers need no table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Literal

from deployworkbook.formulas.frontier import pareto
from deployworkbook.ledger.measurement import Measurement
from deployworkbook.validation import check_choice, check_integer

if TYPE_CHECKING:
    import pandas as pd

    from deployworkbook.compression.stages import Stage

Status = Literal["found", "running", "measured", "failed again", "failed", "stopped"]


@dataclass(frozen=True)
class SweepPoint:
    """A point of the grid.

    Args:
        bits: Bits per weight, 4 or 8.
        sparsity: Fraction of the weights to prune, in [0, 1).
        temperature: T, distillation temperature, above 0.
    """

    bits: int
    sparsity: float
    temperature: float

    def recipe(self, epochs: int | None = None) -> tuple[Stage, ...]:
        """Return the pipeline's recipe with the settings of this point.

        Args:
            epochs: Epochs of the longest stage, by default the recipe's; those of the other stages
                change in proportion.

        Raises:
            TypeError: A value has the wrong type.
            ValueError: A value is out of range.
        """
        from deployworkbook.compression import pipeline

        usual = max(stage.settings.epochs for stage in pipeline.RECIPE)
        ratio = 1.0 if epochs is None else check_integer("epochs", epochs, 1) / usual
        return tuple(self._set(stage, ratio) for stage in pipeline.RECIPE)

    def name(self, *, epochs: int | None = None, seed: int = 0) -> str:
        """Return a variant's name: the point, and epochs and seed if they aren't the default.

        >>> SweepPoint(4, 0.9, 2.0).name(epochs=5, seed=1)
        'prune90-T2-int4-e5-seed1'
        """
        from deployworkbook.compression import pipeline

        usual = max(stage.settings.epochs for stage in pipeline.RECIPE)
        parts = [str(self)]
        if epochs not in (None, usual):
            parts.append(f"e{epochs}")
        return "-".join([*parts, f"seed{seed}"] if seed else parts)

    def _set(self, stage: Stage, ratio: float) -> Stage:
        from deployworkbook.compression.stages import Prune, Quantize

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
    """Status and result of a point.

    Args:
        point: The point.
        status: ``"found"`` in the ledger; ``"running"``; ``"measured"`` now; ``"failed again"``,
            to be retried; ``"failed"`` for good; ``"stopped"`` by Ctrl-C.
        measurement: The measurement, if there is one.
        attempts: Number of attempts started.
        stages_made: Number of stages of the last attempt that were not in the cache.
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
    """Return all points of a grid, each once; points that share a pruned model are adjacent.

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
    """Return a table of results, one row per point, with units in the column names.

    ``frontier`` marks the points on the Pareto frontier of zipped size and accuracy.
    """
    import pandas as pd

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
    """Return the most accurate result, the smaller one in a tie; ``None`` if none is measured."""
    known = [
        (measured.accuracy, -measured.compressed_bytes, result)
        for result in results
        if (measured := result.measurement) is not None
        and measured.accuracy is not None
        and measured.compressed_bytes is not None
    ]
    best = max(known, key=lambda entry: entry[:2], default=None)
    return None if best is None else best[-1]
