"""The tested versions, and what a wheel says of itself."""

from __future__ import annotations

import email
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from deployworkbook.teaching.wheelhouse.targets import NEWEST_BUGFIX, Target

PACKAGE = Path(__file__).parents[2]
CONSTRAINTS = "constraints.txt"


@dataclass(frozen=True)
class Wheel:
    """A package, built.

    Args:
        path: The file.
        name: Name of the package, normalized.
        version: Its version.
        requires: What it needs in turn, with markers and extras.
        python: Versions of Python that it runs with.
    """

    path: Path
    name: NormalizedName
    version: Version
    requires: tuple[Requirement, ...]
    python: SpecifierSet = field(default_factory=SpecifierSet)


def read_wheel(path: Path) -> Wheel:
    """Read what a wheel requires. Nothing in it is executed.

    Raises:
        ValueError: The file is no wheel, or a damaged one.
    """
    name, version, *_ = parse_wheel_filename(path.name)
    try:
        with zipfile.ZipFile(path) as archive:
            (entry,) = (
                each
                for each in archive.namelist()
                if each.count("/") == 1 and each.endswith(".dist-info/METADATA")
            )
            about = email.message_from_bytes(archive.read(entry))
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise ValueError(f"{path.name} is damaged: {error}. Delete it, and try again.") from error
    requires = tuple(Requirement(line) for line in about.get_all("Requires-Dist", []))
    python = SpecifierSet(about.get("Requires-Python", ""))
    return Wheel(path, name, version, requires, python)


def least_python(wheels: Iterable[Wheel], target: Target) -> str:
    """Return the oldest bugfix release of a target's Python that all wheels run with.

    Args:
        wheels: All wheels.
        target: Kind of machine.

    Raises:
        ValueError: There is none.
    """
    allowed = [(wheel.name, wheel.python) for wheel in wheels]
    releases = [f"{target.python}.{bugfix}" for bugfix in range(NEWEST_BUGFIX + 1)]
    for release in releases:
        if all(versions.contains(release) for _, versions in allowed):
            return release
    wrong = [f"{name} needs {each}" for name, each in allowed if not each.contains(releases[-1])]
    raise ValueError(
        f"Python {target.python} can't run all wheels: {', '.join(wrong)}. Choose another --python."
    )


def constraints_file() -> Path:
    """Find the tested versions, inside the installed package or beside it in the source.

    Raises:
        FileNotFoundError: They are in neither place.
    """
    for folder in (PACKAGE, PACKAGE.parent):
        if (folder / CONSTRAINTS).is_file():
            return folder / CONSTRAINTS
    raise FileNotFoundError(
        f"{CONSTRAINTS} is neither in {PACKAGE} nor beside it. Reinstall deployworkbook."
    )


def exact_versions(target: Target) -> dict[NormalizedName, Version]:
    """Return the exact versions that passed the tests, by package.

    A version that was tested with another system or Python only is better than any other one.

    Args:
        target: Kind of machine, by which markers are judged.
    """
    lines = sorted(_lines(constraints_file()), key=lambda line: _applies(line, target))
    return {canonicalize_name(each.name): _version(each) for each in lines}


def _applies(line: Requirement, target: Target) -> bool:
    return line.marker is None or line.marker.evaluate({**target.environment, "extra": ""})


def _version(line: Requirement) -> Version:
    return Version(next(iter(line.specifier)).version)


def _lines(file: Path) -> Iterator[Requirement]:
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            yield Requirement(line)
