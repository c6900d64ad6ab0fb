"""The folder of wheels: each with its hash, noted before it is there."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from deployworkbook.teaching.wheelhouse.requirements import Wheel, read_wheel
from deployworkbook.teaching.wheelhouse.targets import Target
from deployworkbook.validation import value_error
from deployworkbook.workspace.files import write_atomically
from deployworkbook.workspace.folder import sha256_of_file

SUMS = "SHA256SUMS"
WHEELS = "wheels"
_PART = ".part"
_LINE = re.compile(r"(?P<hash>[0-9a-f]{64})  (?P<name>[^/\\]+|wheels/[^/\\]+\.whl)")


class Store:
    """A folder of wheels that survives interruptions.

    A wheel is downloaded beside the others, its hash is noted in ``SHA256SUMS``, and only then is
    it moved to its place. So a wheel in its place with another hash is a damaged one.

    Args:
        folder: New or empty folder, or one that an earlier run has begun.

    Raises:
        ValueError: The folder has other things in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if folder.is_dir() and any(folder.iterdir()) and not (folder / SUMS).is_file():
            raise value_error(
                "folder",
                received=f"{folder}, which has other files",
                expected="a new or an empty folder, or a folder of wheels made earlier",
                remedy="Name another folder.",
            )
        (folder / WHEELS).mkdir(parents=True, exist_ok=True)
        self._sums = self._read()
        self._write()

    @contextmanager
    def part(self) -> Iterator[Path]:
        """An empty folder on the same disk, for files that may not become complete."""
        part = self.folder / _PART
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        try:
            yield part
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def find(self, wanted: Requirement, target: Target) -> Path | None:
        """Return an undamaged wheel that is there; delete a damaged one.

        Args:
            wanted: Package and version.
            target: Kind of machine.
        """
        for name, digest in list(self._sums.items()):
            file = self.folder / name
            if file.suffix != ".whl" or not file.is_file():
                continue
            package, version, *_ = parse_wheel_filename(file.name)
            if package != canonicalize_name(wanted.name) or not target.takes(file.name):
                continue
            if not wanted.specifier.contains(version, prereleases=True):
                continue
            if sha256_of_file(file) == digest:
                return file
            file.unlink()
        return None

    def keep(self, file: Path) -> Wheel:
        """Move a complete wheel to its place, and note its hash.

        Raises:
            ValueError: It is no wheel, or a damaged one.
        """
        wheel = read_wheel(file)
        place = self.folder / WHEELS / file.name
        self._sums[f"{WHEELS}/{file.name}"] = sha256_of_file(file)
        self._write()
        file.replace(place)
        return replace(wheel, path=place)

    def hash_of(self, file: Path) -> str:
        """Return the noted hash of a wheel."""
        return self._sums[f"{WHEELS}/{file.name}"]

    def finish(self, wheels: Iterable[Path], others: Iterable[Path]) -> None:
        """Delete wheels of earlier runs that aren't needed, and note what there is.

        Args:
            wheels: All that are needed.
            others: Further files in the folder itself, such as scripts.
        """
        needed = {f"{WHEELS}/{file.name}" for file in wheels}
        for name in self._sums.keys() - needed:
            if name.startswith(f"{WHEELS}/"):
                (self.folder / name).unlink(missing_ok=True)
        self._sums = {name: digest for name, digest in self._sums.items() if name in needed}
        self._sums |= {file.name: sha256_of_file(file) for file in others}
        self._write()

    def _read(self) -> dict[str, str]:
        file = self.folder / SUMS
        if not file.is_file():
            return {}
        found = map(_LINE.fullmatch, file.read_text(encoding="utf-8").splitlines())
        return {each["name"]: each["hash"] for each in found if each}

    def _write(self) -> None:
        lines = [f"{digest}  {name}\n" for name, digest in sorted(self._sums.items())]
        write_atomically(self.folder / SUMS, "".join(lines))
