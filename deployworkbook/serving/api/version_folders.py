"""Which versions of a model lie on disk: the rule that servers and publishers share."""

from __future__ import annotations

import os
import re
from pathlib import Path

LARGEST = 2**63 - 1
_NUMBER = re.compile(r"-?[0-9]+")


def versions_below(base_path: Path) -> dict[int, Path]:
    """Find the versions of a model: the children of its folder whose names are numbers.

    Raises:
        OSError: The folder is missing or cannot be read.
    """
    return {number: folders[-1] for number, folders in version_folders(base_path).items()}


def version_folders(base_path: Path) -> dict[int, list[Path]]:
    """Find all folders of each version, in the order of their names.

    ``1`` and ``0001`` are one version. TensorFlow Serving loads the last by name, which is the
    one with fewer zeros, and warns that it ignores the others.

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
    """Read a version number; ``None`` where the text is none that fits into 64 bits.

    >>> version_number("0012"), version_number("v1"), version_number("18446744073709551615")
    (12, None, None)
    """
    # A number of more than 400 digits would cost the time of a long division.
    if len(text) > 400 or not _NUMBER.fullmatch(text):
        return None
    number = int(text)
    return number if -LARGEST - 1 <= number <= LARGEST else None
