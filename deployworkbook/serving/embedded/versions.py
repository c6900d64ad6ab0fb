"""Choose which of a model's versions on disk to load."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from deployworkbook.validation import check_choice


@dataclass(frozen=True)
class Policy:
    """A model version policy, in TensorFlow Serving's words.

    Args:
        kind: ``latest``, ``all`` or ``specific``.
        count: How many of the newest versions ``latest`` loads.
        numbers: The versions that ``specific`` loads.
    """

    kind: str = "latest"
    count: int = 1
    numbers: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_choice("kind", self.kind, ("latest", "all", "specific"))

    def choose(self, present: Iterable[int]) -> list[int]:
        """List the versions to load of those present, newest first.

        >>> Policy("latest", count=2).choose([1, 3, 2])
        [3, 2]
        >>> Policy("specific", numbers=(1, 7)).choose([1, 2])
        [1]
        """
        newest_first = sorted(present, reverse=True)
        if self.kind == "latest":
            return newest_first[: self.count]
        if self.kind == "specific":
            return [number for number in newest_first if number in self.numbers]
        return newest_first
