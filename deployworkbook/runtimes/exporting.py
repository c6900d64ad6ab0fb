"""Write and load artifacts: whole or not at all, with a record of where they come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from deployworkbook.runtimes.base import Artifact, Predictor
from deployworkbook.runtimes.provenance import Provenance, sha256_of
from deployworkbook.runtimes.registry import PLATFORMS
from deployworkbook.training.variant import FORMS, Variant
from deployworkbook.validation import value_error
from deployworkbook.workspace.files import atomic_folder


class FolderRuntime(ABC):
    """A platform whose artifacts are folders; a subclass says what it writes into them and reads.

    ``accepts`` names the forms that it takes, keys of ``FORMS``; ``refusal`` says why it takes no
    other, and what to do instead.
    """

    name: str
    accepts: tuple[str, ...] = ("model",)
    refusal: str

    def export(self, variant: Variant, directory: Path) -> Artifact:
        """Write ``directory/<variant>.<name>``, a folder; replace an earlier one.

        Args:
            variant: The variant to export.
            directory: The directory; created if missing.

        Raises:
            ValueError: The platform cannot take this form, or something in it.
        """
        if all(getattr(variant, form) is None for form in self.accepts):
            expected = " or ".join(FORMS[form] for form in self.accepts)
            raise value_error(
                variant.name, received=variant.form, expected=expected, remedy=self.refusal
            )
        return write_artifact(variant, directory, runtime=self.name, write=self._writer(variant))

    def load(self, artifact: Artifact) -> Predictor:
        """Read an artifact of this runtime.

        Raises:
            FileNotFoundError: It is not there.
            ValueError: It is damaged, of another runtime, or doesn't map images to classes.
        """
        check_artifact(artifact, self.name)
        return self._read(artifact.path)

    @abstractmethod
    def _writer(self, variant: Variant) -> Callable[[Path], object]:
        """Convert the variant; return what writes it into an empty folder."""

    def read(self, folder: Path) -> Predictor:
        """Load a model from a folder without a record, such as a published version.

        Raises:
            OSError: A file is missing.
            ValueError: It is no model of this runtime that maps images to classes.
        """
        return self._read(folder)

    @abstractmethod
    def _read(self, folder: Path) -> Predictor:
        """Load the model from a folder whose files match their record."""


def write_artifact(
    variant: Variant, directory: Path, *, runtime: str, write: Callable[[Path], object]
) -> Artifact:
    """Write ``directory/<variant>.<runtime>``, a folder; an earlier one is replaced in one step.

    Args:
        variant: The variant to export.
        directory: The directory; created if missing.
        runtime: Name of the runtime.
        write: Writes the runtime's files into the empty folder that it gets.
    """
    target = directory / f"{variant.name}.{runtime}"
    with atomic_folder(target) as folder:
        write(folder)
        Provenance(
            variant=variant.name,
            note=variant.note,
            form=variant.form,
            runtime=runtime,
            versions={name: version(name) for name in _packages(runtime)},
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            files={
                path.relative_to(folder).as_posix(): sha256_of(path)
                for path in sorted(folder.rglob("*"))
                if path.is_file()
            },
        ).write(folder)
    return Artifact(target, runtime, variant.name)


def check_artifact(artifact: Artifact, runtime: str) -> None:
    """Raise an error for an artifact that a runtime must not load.

    Raises:
        FileNotFoundError: The folder doesn't exist, or has no record.
        ValueError: It is damaged, or of another runtime.
    """
    if not artifact.path.is_dir():
        raise FileNotFoundError(
            f"{artifact.path} is not a folder with an artifact. Export it again."
        )
    while True:
        before = _identity(artifact.path)
        found, damage = _inspect(artifact)
        if not damage or _identity(artifact.path) == before:
            break
        # Replaced meanwhile: the record may belong to one artifact, the files to the other.
    if damage:
        raise ValueError(f"{artifact.path} is damaged: {damage}. Export it again.")
    if found.runtime != runtime:
        raise value_error(
            str(artifact.path),
            received=f"one of {found.runtime!r}",
            expected=f"an artifact of {runtime!r}",
            remedy=f"Load it with the runtime {found.runtime!r}.",
        )


def _identity(folder: Path) -> tuple[int, int]:
    """Return what distinguishes a folder from one that replaces it."""
    found = folder.stat()
    return found.st_ino, found.st_ctime_ns


def _inspect(artifact: Artifact) -> tuple[Provenance, str]:
    """Return the record, and which file differs from it; an empty text if none does."""
    try:
        found = artifact.provenance
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{artifact.path} has no record of its origin. Export it again."
        ) from error
    for name, expected in found.files.items():
        try:
            present = sha256_of(artifact.path / name)
        except FileNotFoundError:
            return found, f"{name} is missing"
        if present != expected:
            return found, f"{name} has changed"
    return found, ""


def _packages(runtime: str) -> list[str]:
    return ["deployworkbook", "numpy", *PLATFORMS[runtime].packages.values()]
