"""Choose among exported forms of the model."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from deployworkbook.runtimes.base import Artifact
from deployworkbook.runtimes.benchmarking import compressed_bytes, count_correct
from deployworkbook.runtimes.registry import runtime as runtime_named
from deployworkbook.training.data import Split
from deployworkbook.validation import check_number


def smallest_form(
    folder: Path,
    variants: Iterable[str],
    split: Split,
    *,
    accuracy_share: float,
    runtime: str = "litert",
) -> Artifact | None:
    """Return the smallest exported form that is accurate enough, or ``None``.

    Size is that of the zipped files, as everywhere in the workbook.

    Args:
        folder: Folder with the artifacts, such as the workspace's ``artifacts / "mnist"``.
        variants: Names of the forms to choose from; those that the folder doesn't hold are skipped.
        split: Images that decide. Take the validation images: a form that was chosen on test images
            looks better on them than it is.
        accuracy_share: Smallest share of these images that it must classify correctly.
        runtime: Runtime whose artifacts are looked at.

    Raises:
        ValueError: There is no such runtime, the share is out of range, or an artifact is damaged.
        UnavailableError: The runtime doesn't work here.
    """
    check_number("accuracy_share", accuracy_share, 0, 1)
    platform = runtime_named(runtime)
    found = [
        Artifact(path, runtime, name)
        for name in sorted(set(variants))
        if (path := folder / f"{name}.{runtime}").is_dir()
    ]
    for artifact in sorted(found, key=compressed_bytes):
        if count_correct(platform.load(artifact), split) / len(split) >= accuracy_share:
            return artifact
    return None
