"""A measured share: so many of so many, with its interval."""

from __future__ import annotations

from dataclasses import dataclass

from deployworkbook.formulas.intervals import wilson_interval
from deployworkbook.validation import check_integer


@dataclass(frozen=True)
class Share:
    """How many of how many: an accuracy, an agreement, or members found.

    Args:
        count: For example, the number of images classified correctly.
        of: Number of all, at least 1.

    Raises:
        ValueError: ``count`` isn't from 0 to ``of``.

    >>> print(Share(941, 1000))
    94.1 % (92.5–95.4)
    """

    count: int
    of: int

    def __post_init__(self) -> None:
        check_integer("count", self.count, 0, check_integer("of", self.of, 1))

    @property
    def value(self) -> float:
        """The share, from 0 to 1."""
        return self.count / self.of

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the share."""
        return wilson_interval(self.count, self.of)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.1%} ({100 * low:.1f}–{100 * high:.1f})".replace("%", " %", 1)
