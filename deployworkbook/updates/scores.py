"""How many of the images a model gets right, and what an update has changed about that."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.intervals import paired_difference_interval
from deployworkbook.formulas.shares import Share


@dataclass(frozen=True)
class Change:
    """What an update changed on the same images.

    Args:
        lost: Images that only the old model gets right.
        gained: Images that only the new model gets right.
        examples: Images in all.
    """

    lost: int
    gained: int
    examples: int

    @property
    def difference(self) -> float:
        """The accuracy gained; negative where the update has made the model forget.

        >>> Change(lost=30, gained=10, examples=1000).difference
        -0.02
        """
        return (self.gained - self.lost) / self.examples

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the difference, for the same images before and after."""
        return paired_difference_interval(self.gained, self.lost, self.examples)


def share_right(is_right: NDArray[np.bool_]) -> Share:
    """Count right answers.

    Args:
        is_right: Whether each image is classified correctly, shape ``[n]``.
    """
    return Share(int(is_right.sum()), len(is_right))


def change(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> Change:
    """Compare the answers of two models to the same images.

    Args:
        before: Whether the old model classifies each image correctly, shape ``[n]``.
        after: The same of the new model.
    """
    return Change(int((before & ~after).sum()), int((after & ~before).sum()), len(before))
