"""How every runtime writes an artifact: whole or not at all, with the record of where from."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from deployworkbook.runtimes.base import Artifact
from deployworkbook.runtimes.provenance import Provenance, sha256_of
from deployworkbook.runtimes.registry import RUNTIMES
from deployworkbook.training.variant import FORMS, Variant
from deployworkbook.validation import value_error
from deployworkbook.workspace.files import atomic_folder


def write_artifact(
    variant: Variant, directory: Path, *, runtime: str, write: Callable[[Path], object]
) -> Artifact:
    """Write ``directory/<variant>.<runtime>``, a folder; an earlier one is replaced in one step.

    Args:
        variant: What is exported.
        directory: Where to; made if missing.
        runtime: The name of the runtime.
        write: Writes the runtime's files into the empty folder that it is given.
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


def check_form(variant: Variant, *accepted: str, reason: str, remedy: str) -> None:
    """Refuse a variant in a form that a runtime cannot take.

    Args:
        variant: What is exported.
        accepted: The forms that it takes, keys of ``FORMS``.
        reason: Why it takes no other, in a sentence.
        remedy: What to do instead, in a sentence.

    Raises:
        ValueError: The variant is of another form.
    """
    if all(getattr(variant, form) is None for form in accepted):
        expected = " or ".join(FORMS[form] for form in accepted)
        raise value_error(
            variant.name, received=variant.form, expected=expected, remedy=f"{reason} {remedy}"
        )


def check_artifact(artifact: Artifact, runtime: str) -> None:
    """Refuse what a runtime must not load.

    Raises:
        FileNotFoundError: There is no such folder, or no record in it.
        ValueError: It is damaged, or of another runtime.
    """
    if not artifact.path.is_dir():
        raise FileNotFoundError(
            f"{artifact.path} is no folder, where an artifact was expected. Export it again."
        )
    while True:
        before = _identity(artifact.path)
        found, damage = _inspect(artifact)
        if not damage or _identity(artifact.path) == before:
            break
        # It was replaced between two looks: the record may be of one, the files of the other.
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
    """What tells a folder from another that was put in its place."""
    found = folder.stat()
    return found.st_ino, found.st_ctime_ns


def _inspect(artifact: Artifact) -> tuple[Provenance, str]:
    """Read the record, and say which file differs from it; an empty text where none does."""
    try:
        found = artifact.provenance
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{artifact.path} has no record of where it comes from. Export it again."
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
    return ["deployworkbook", "numpy", *RUNTIMES[runtime].packages.values()]
