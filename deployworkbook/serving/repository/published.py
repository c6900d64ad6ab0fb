"""A published version and its record: what it is, its origin, and the hash of each file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from deployworkbook.runtimes.provenance import sha256_of
from deployworkbook.serving.signing.manifest import SIGNED

RECORD = "published.json"
CARD, CARD_TEXT = "model-card.json", "model-card.md"
# What is written about a version, and is no part of the model.
ABOUT = {RECORD, CARD, CARD_TEXT, SIGNED}


@dataclass(frozen=True)
class Publication:
    """The record of a publication. It names no machine, user or path.

    Args:
        variant: The variant's name.
        note: How the variant was made, or another note.
        published_at: The time, in UTC, as ISO 8601.
        files: The SHA-256 of each file, by its path within the version.
        source: The record of the artifact it was made from, if there was one.
        parent: Number of the version it came from, if it came from one.
        made_by: What made it from its parent, such as ``"patch: output layer"``.
    """

    variant: str
    note: str
    published_at: str
    files: Mapping[str, str]
    source: Mapping[str, Any] = field(default_factory=dict)
    parent: int | None = None
    made_by: str = ""

    def write(self, folder: Path) -> None:
        """Write the record into the version's folder."""
        (folder / RECORD).write_text(json.dumps(asdict(self), indent=1) + "\n", "utf-8")


@dataclass(frozen=True)
class PublishedVersion:
    """A version of a model, on disk.

    Args:
        number: The version's number.
        path: Its folder.
        labels: Its labels.
    """

    number: int
    path: Path
    labels: tuple[str, ...] = ()

    @property
    def provenance(self) -> Publication | None:
        """The record of its publication; ``None`` if no repository published it.

        Raises:
            ValueError: The record is damaged.
        """
        path = self.path / RECORD
        try:
            return Publication(**json.loads(path.read_text("utf-8")))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path} is damaged ({error}). Publish the model again.") from error

    @property
    def size_bytes(self) -> int:
        """The size of its files, without what is written about it."""
        return sum(path.stat().st_size for path in files_of(self.path))

    @property
    def is_signed(self) -> bool:
        """Whether there is a signature; ``verify_folder`` says whether it is right."""
        return (self.path / SIGNED).is_file()

    def damage(self) -> list[str]:
        """List the files that were changed, removed or added since publication."""
        publication = self.provenance
        if publication is None:
            return []
        found = hashes_of(self.path)
        names = {*found, *publication.files}
        return sorted(name for name in names if found.get(name) != publication.files.get(name))


def files_of(folder: Path) -> list[Path]:
    """List a version's files, in a fixed order, without what is written about it."""
    about = {folder / name for name in ABOUT}
    return sorted(path for path in folder.rglob("*") if path.is_file() and path not in about)


def hashes_of(folder: Path) -> dict[str, str]:
    """Hash a version's files, by their path within it."""
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in files_of(folder)}
