"""How well membership inference works: on one model, and on several."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.intervals import mean_interval
from deployworkbook.formulas.membership import (
    Roc,
    area_interval,
    area_under_curve,
    members_found,
    roc_curve,
)
from deployworkbook.formulas.shares import Share

Array = NDArray[np.float64]

# At this share of false accusations an attack's true ones are counted.
FALSE_POSITIVE_RATE = 0.01


@dataclass(frozen=True, eq=False)
class MembershipAttack:
    """How well an attack tells one model's members from others.

    Args:
        member_scores: Scores of images that the model learned from, shape ``[m]``.
        other_scores: Scores of others of the same kind, shape ``[n]``.
    """

    member_scores: Array
    other_scores: Array

    @cached_property
    def auc(self) -> float:
        """Area under the curve: 0.5 for guessing, 1 for an attack that is always right."""
        return area_under_curve(self.member_scores, self.other_scores)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the area, over the images; other models may differ by more."""
        return area_interval(self.member_scores, self.other_scores)

    @property
    def found(self) -> Share:
        """Members found while 1 % of the others are accused."""
        count = members_found(
            self.member_scores, self.other_scores, false_positive_rate=FALSE_POSITIVE_RATE
        )
        return Share(count, len(self.member_scores))

    @property
    def roc(self) -> Roc:
        """The curve, for a plot with logarithmic axes."""
        return roc_curve(self.member_scores, self.other_scores)

    def __str__(self) -> str:
        low, high = self.interval
        return f"AUC {self.auc:.3f} ({low:.3f}–{high:.3f}), {self.found} found at 1 % false"


@dataclass(frozen=True, eq=False)
class AttackSummary:
    """The same attack on several models.

    Args:
        attacks: One per model.
    """

    attacks: tuple[MembershipAttack, ...]

    @cached_property
    def areas(self) -> Array:
        """Area under the curve per model."""
        return np.array([each.auc for each in self.attacks])

    @property
    def auc(self) -> float:
        """Mean area."""
        return float(self.areas.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the mean area over models, which share their shadow models."""
        return mean_interval(self.areas)

    @property
    def found(self) -> float:
        """Mean share of the members that are found at 1 % false accusations."""
        return float(np.mean([each.found.value for each in self.attacks]))

    def __str__(self) -> str:
        low, high = self.interval
        return f"AUC {self.auc:.3f} ({low:.3f}–{high:.3f}), {self.found:.1%} found at 1 % false"
