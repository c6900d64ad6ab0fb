"""Rows whose slowest predictions look like a busy machine rather than like the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from deployworkbook.costs.estimation.from_ledger import Measured, comparable
from deployworkbook.costs.estimation.profile import Profile

if TYPE_CHECKING:
    from deployworkbook.ledger.measurement import LedgerEntry

# Repeated on an idle machine, a 99th percentile varies by less than this.
SUSPICIOUS_RATIO = 2.0


@dataclass(frozen=True)
class Outlier:
    """A row that a plan would rest on, and how it differs from the other rows of its form.

    Args:
        profile: What the row became.
        p99_ms: Its 99th percentile of one prediction.
        usual_p99_ms: The median of the other rows'.
        others: How many other rows there are.
    """

    profile: Profile
    p99_ms: float
    usual_p99_ms: float
    others: int

    def __str__(self) -> str:
        """Say what differs, and what it may mean."""
        rows = "other row" if self.others == 1 else f"{self.others} other rows"
        return (
            f"{self.profile.name}: its newest row has a p99 of {self.p99_ms:.3g} ms, "
            f"{self.p99_ms / self.usual_p99_ms:.1f} times that of its {rows} "
            f"({self.usual_p99_ms:.3g} ms). The machine may have been busy."
        )


def outliers_in(entries: Sequence[LedgerEntry], measured: Measured) -> list[Outlier]:
    """Find the rows that a plan rests on whose p99 exceeds that of their form's other rows.

    Only rows that can be compared count: of the same variant, runtime, threads, data set and
    machine. Of a form that was measured once nothing can be said.

    Args:
        entries: All rows of the ledger, the oldest first.
        measured: What was chosen from them.
    """
    found = []
    for profile in measured.profiles:
        rows = [
            entry.measurement
            for entry in comparable(entries, measured)
            if (entry.measurement.variant, entry.measurement.runtime)
            == (profile.variant, profile.runtime)
            and (entry.measurement.threads or 1) == profile.threads
        ]
        p99_ms = [row.latency_p99_ms for row in rows if row.latency_p99_ms is not None]
        if len(p99_ms) > 1 and p99_ms[-1] > SUSPICIOUS_RATIO * (usual := median(p99_ms[:-1])) > 0:
            found.append(Outlier(profile, p99_ms[-1], usual, len(p99_ms) - 1))
    return found
