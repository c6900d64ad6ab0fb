"""Find a model's versions on disk, by the rule that servers and publishers share."""

from __future__ import annotations

import os
import re
from pathlib import Path

LARGEST = 2**63 - 1
_NUMBER = re.compile(r"-?[0-9]+")


def versions_below(base_path: Path) -> dict[int, Path]:
    """Find a model's versions: the entries of its folder whose names are numbers.

    Raises:
        OSError: The folder is missing or cannot be read.
    """
    return {number: folders[-1] for number, folders in version_folders(base_path).items()}


def version_folders(base_path: Path) -> dict[int, list[Path]]:
    """Find every folder of each version, ordered by name.

    ``1`` and ``0001`` are the same version. TensorFlow Serving loads the last by name, the one
    with fewer zeros, and warns that it ignores the others.

    Raises:
        OSError: The folder is missing or cannot be read.
    """
    found: dict[int, list[Path]] = {}
    for child in sorted(base_path.iterdir(), key=lambda child: os.fsencode(child.name)):
        number = version_number(child.name)
        if number is not None:
            found.setdefault(number, []).append(child)
    return found


def version_number(text: str) -> int | None:
    """Parse a version number; return ``None`` if it isn't a number of 64 bits.

    >>> version_number("0012"), version_number("v1"), version_number("18446744073709551615")
    (12, None, None)
    """
    # Converting a number of thousands of digits takes long.
    if len(text) > 400 or not _NUMBER.fullmatch(text):
        return None
    number = int(text)
    return number if -LARGEST - 1 <= number <= LARGEST else None
