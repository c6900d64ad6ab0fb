"""A variant's size, accuracy and latency, and a budget that it should meet."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployworkbook.plots.words import counted, listed

if TYPE_CHECKING:
    from deployworkbook.ledger.measurement import Measurement


@dataclass(frozen=True)
class FrontierPoint:
    """One variant of the model.

    Args:
        name: Name in the ledger.
        compressed_bytes: Size of its zipped file.
        accuracy: Share of images classified correctly, of those that one chooses by.
        latency_us: Median time per image, in microseconds.
        epochs: Epochs of training that it took, beyond those of the model that it started from.
    """

    name: str
    compressed_bytes: int
    accuracy: float
    latency_us: float
    epochs: int = 0

    @classmethod
    def of(cls, measurement: Measurement) -> FrontierPoint:
        """Make a point from a variant's measurement.

        Raises:
            ValueError: Size, accuracy or latency was not measured.
        """
        size, accuracy = measurement.compressed_bytes, measurement.accuracy
        latency_ms = measurement.latency_p50_ms
        if size is None or accuracy is None or latency_ms is None:
            raise ValueError(
                f"{measurement.variant}: expected zipped size, accuracy and latency. Received: "
                f"{size}, {accuracy}, {latency_ms}. Measure it with runtimes.benchmark."
            )
        return cls(measurement.variant, size, accuracy, 1000 * latency_ms)


@dataclass(frozen=True)
class Budget:
    """A budget for a variant's size, accuracy and training.

    Args:
        compressed_bytes: Largest size of its zipped file.
        accuracy: Smallest share of the images that it must classify correctly.
        epochs: Most epochs of training that it may take; ``None`` for any number.
    """

    compressed_bytes: int
    accuracy: float
    epochs: int | None = None

    def __str__(self) -> str:
        """List the limits."""
        limits = [
            f"at most {self.compressed_bytes:,} bytes",
            f"at least {self.accuracy:.2%} accuracy",
        ]
        if self.epochs is not None:
            limits.append(f"at most {counted(self.epochs, 'epoch')}")
        return listed(limits)

    def misses(self, point: FrontierPoint) -> list[str]:
        """Say which limits a variant misses, and by how much; empty if it meets the budget.

        >>> Budget(7000, 0.97, epochs=10).misses(FrontierPoint("small", 7412, 0.9681, 3.0, 11))
        ['412 bytes too many', '0.19 points of accuracy too few', '1 epoch too many']
        """
        missed = []
        if point.compressed_bytes > self.compressed_bytes:
            over = point.compressed_bytes - self.compressed_bytes
            missed.append(f"{counted(over, 'byte')} too many")
        if point.accuracy < self.accuracy:
            # Rounded up, because a limit that is missed isn't missed by 0.00.
            points = math.ceil(1e4 * (self.accuracy - point.accuracy) - 1e-6) / 100
            missed.append(f"{max(points, 0.01):.2f} points of accuracy too few")
        if self.epochs is not None and point.epochs > self.epochs:
            missed.append(f"{counted(point.epochs - self.epochs, 'epoch')} too many")
        return missed

    def is_met_by(self, point: FrontierPoint) -> bool:
        """Return whether a variant meets the budget."""
        return not self.misses(point)

    def score(self, point: FrontierPoint) -> int:
        """Score a variant: 100 · largest size / its size within the budget, and 0 outside it.

        >>> Budget(7000, 0.97).score(FrontierPoint("small", 5600, 0.972, 3.0))
        125
        """
        if not self.is_met_by(point):
            return 0
        return round(100 * self.compressed_bytes / point.compressed_bytes)
