"""Rows whose slow predictions suggest that the machine was busy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from deployworkbook.costs.estimation.from_ledger import Measured, comparable
from deployworkbook.costs.estimation.profile import Profile

if TYPE_CHECKING:
    from deployworkbook.ledger.measurement import LedgerEntry

# On an idle machine, repeated measurements of a 99th percentile vary by less than this.
SUSPICIOUS_RATIO = 2.0


@dataclass(frozen=True)
class Outlier:
    """A row that a plan would use, and how it differs from the other rows of its variant.

    Args:
        profile: Profile from the row.
        p99_ms: 99th percentile of its prediction times.
        usual_p99_ms: Median of that percentile over the other rows.
        others: Number of other rows.
    """

    profile: Profile
    p99_ms: float
    usual_p99_ms: float
    others: int

    def __str__(self) -> str:
        """Describe the difference, and a possible reason."""
        rows = "other row" if self.others == 1 else f"{self.others} other rows"
        return (
            f"{self.profile.name}: its newest row has a p99 of {self.p99_ms:.3g} ms, "
            f"{self.p99_ms / self.usual_p99_ms:.1f} times that of its {rows} "
            f"({self.usual_p99_ms:.3g} ms). The machine may have been busy."
        )


def outliers_in(entries: Sequence[LedgerEntry], measured: Measured) -> list[Outlier]:
    """Find the rows used by a plan whose p99 far exceeds that of comparable rows.

    Comparable rows have the same variant, runtime, threads, data set and machine. A variant that
    was measured only once can't be judged.

    Args:
        entries: All rows of the ledger, the oldest first.
        measured: Profiles that were selected from them.
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
