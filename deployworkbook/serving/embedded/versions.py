"""Which versions of a model lie on disk, and which of them a policy wants."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from deployworkbook.validation import check_choice

LARGEST = 2**63 - 1
_NUMBER = re.compile(r"-?[0-9]+")


@dataclass(frozen=True)
class Policy:
    """What TensorFlow Serving calls a model version policy.

    Args:
        kind: ``latest``, ``all`` or ``specific``.
        count: How many of the newest ``latest`` wants.
        numbers: Those that ``specific`` wants.
    """

    kind: str = "latest"
    count: int = 1
    numbers: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_choice("kind", self.kind, ("latest", "all", "specific"))

    def choose(self, present: Iterable[int]) -> list[int]:
        """List the wanted among the present, the newest first.

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


def versions_below(base_path: Path) -> dict[int, Path]:
    """Find the versions of a model: the children of its folder whose names are numbers.

    Raises:
        OSError: The folder is missing or cannot be read.
    """
    found: dict[int, Path] = {}
    for child in sorted(base_path.iterdir()):
        number = version_number(child.name)
        if number is not None:
            found.setdefault(number, child)
    return found


def version_number(text: str) -> int | None:
    """Read a version number; ``None`` where the text is none that fits into 64 bits.

    >>> version_number("0012"), version_number("v1"), version_number("18446744073709551615")
    (12, None, None)
    """
    # A number of more than 400 digits would cost the time of a long division.
    if len(text) > 400 or not _NUMBER.fullmatch(text):
        return None
    number = int(text)
    return number if -LARGEST - 1 <= number <= LARGEST else None
