"""Withdrawn versions: renamed, so that no server sees them, and their numbers stay used."""

from __future__ import annotations

from pathlib import Path

from deployworkbook.serving.api.version_folders import LARGEST, version_number, versions_below

_PREFIX = ".withdrawn-"


def withdrawn_path(base_path: Path, number: int) -> Path:
    """Return where a version is while it is withdrawn.

    Args:
        base_path: The folder of versions.
        number: The version's number.

    >>> withdrawn_path(Path("digits"), 3).name
    '.withdrawn-3'
    """
    return base_path / f"{_PREFIX}{number}"


def withdrawn_versions(base_path: Path) -> list[Path]:
    """List the withdrawn versions' folders.

    Args:
        base_path: The folder of versions.
    """
    return list(base_path.glob(f"{_PREFIX}*"))


def next_number(base_path: Path, newest: int) -> int:
    """Return a number that no version has had.

    Args:
        base_path: The folder of versions.
        newest: The largest number recorded as used.

    Raises:
        ValueError: The largest possible number is used.
    """
    aside = (
        version_number(path.name.removeprefix(_PREFIX)) for path in withdrawn_versions(base_path)
    )
    used = {newest, *versions_below(base_path), *(number for number in aside if number is not None)}
    if max(used) == LARGEST:
        raise ValueError(f"{base_path}: version {LARGEST} is the largest number possible.")
    return max(used) + 1
