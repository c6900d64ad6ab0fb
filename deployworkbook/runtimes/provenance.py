"""Record of an artifact's origin: its variant, what wrote it, and the hash of each file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

# Name of the record in an artifact's folder. Platforms that load the folder ignore it.
FILE_NAME = "provenance.json"


@dataclass(frozen=True)
class Provenance:
    """Record of an artifact's origin. It names no machine, user or path.

    Args:
        variant: Name of the variant.
        note: How the variant was made, in a sentence.
        form: Form it was exported from, such as ``"a Keras model"``.
        runtime: Name of the runtime that wrote it.
        versions: Versions of the packages involved.
        made_at: Time of the export in UTC, as ISO 8601.
        files: SHA-256 of each file, by its path within the artifact.
    """

    variant: str
    note: str
    form: str
    runtime: str
    versions: Mapping[str, str]
    made_at: str
    files: Mapping[str, str]

    def write(self, folder: Path) -> None:
        """Write the record into the artifact's folder."""
        (folder / FILE_NAME).write_text(json.dumps(asdict(self), indent=1) + "\n", "utf-8")

    @classmethod
    def read(cls, folder: Path) -> Provenance:
        """Read the record of an artifact's folder.

        Raises:
            FileNotFoundError: The folder has no record.
            ValueError: The record is damaged.
        """
        path = folder / FILE_NAME
        try:
            record = json.loads(path.read_text("utf-8"))
            found = cls(**record)
        except (UnicodeDecodeError, json.JSONDecodeError, TypeError) as error:
            raise ValueError(f"{path} is damaged ({error}). Export it again.") from error
        texts = (found.variant, found.note, found.form, found.runtime, found.made_at)
        if not (
            all(isinstance(text, str) for text in texts)
            and _maps_texts(found.versions)
            and _maps_texts(found.files)
        ):
            raise ValueError(f"{path} is damaged (a value has the wrong type). Export it again.")
        for name in found.files:
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                raise ValueError(f"{path} is damaged ({name!r} points outside). Export it again.")
        return found


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _maps_texts(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(text, str) for pair in value.items() for text in pair
    )
