"""Two versions of a model side by side: their cards, their files, and their answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.intervals import paired_difference_interval, wilson_interval
from deployworkbook.runtimes.base import Predictor
from deployworkbook.runtimes.exporting import FolderRuntime
from deployworkbook.runtimes.registry import runtime
from deployworkbook.serving.api.model_files import model_file
from deployworkbook.serving.repository.interface import interface_of
from deployworkbook.serving.repository.published import PublishedVersion, files_of, hashes_of
from deployworkbook.validation import value_error


@dataclass(frozen=True)
class VersionDifference:
    """What two versions answer to the same images, and in what else they differ.

    Args:
        first: Number of the first version.
        second: Number of the second version.
        examples: Number of images.
        first_correct: Images that the first classifies correctly.
        second_correct: Images that the second classifies correctly.
        only_first: Images that only the first classifies correctly.
        only_second: Images that only the second classifies correctly.
        agreed: Images to which both give the same class.
        largest_gap: Largest difference of a probability.
        disagreeing: Rows of the images with different classes, shape ``[n]``.
        sizes_bytes: Size of both versions' files.
        changed_files: Files that differ, or that only one has.
        same_interface: Whether names of inputs and outputs are equal.
    """

    first: int
    second: int
    examples: int
    first_correct: int
    second_correct: int
    only_first: int
    only_second: int
    agreed: int
    largest_gap: float
    disagreeing: tuple[int, ...]
    sizes_bytes: tuple[int, int]
    changed_files: tuple[str, ...]
    same_interface: bool

    @property
    def accuracies(self) -> tuple[float, float]:
        """Accuracy of the first and of the second version."""
        return self.first_correct / self.examples, self.second_correct / self.examples

    @property
    def accuracy_intervals(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Their 95 % intervals."""
        return (
            wilson_interval(self.first_correct, self.examples),
            wilson_interval(self.second_correct, self.examples),
        )

    @property
    def gain(self) -> float:
        """Accuracy of the second version minus that of the first."""
        return (self.only_second - self.only_first) / self.examples

    @property
    def gain_interval(self) -> tuple[float, float]:
        """The gain's 95 % interval, for the same images."""
        return paired_difference_interval(self.only_second, self.only_first, self.examples)


def compare_versions(
    first: PublishedVersion,
    second: PublishedVersion,
    images: NDArray[np.float32],
    labels: NDArray[np.int64],
) -> VersionDifference:
    """Ask two versions for the same images, in this process.

    Args:
        first: The version before.
        second: The version after.
        images: Float32 in 0 … 1, shape ``[n, 28, 28]``.
        labels: Their classes, shape ``[n]``.

    Raises:
        ValueError: A version is no model that maps images to classes.
    """
    answers = [_predictor(version)(images) for version in (first, second)]
    classes = [each.argmax(axis=1) for each in answers]
    right = [each == labels for each in classes]
    hashes = [hashes_of(version.path) for version in (first, second)]
    names = sorted({*hashes[0], *hashes[1]})
    return VersionDifference(
        first=first.number,
        second=second.number,
        examples=len(labels),
        first_correct=int(right[0].sum()),
        second_correct=int(right[1].sum()),
        only_first=int((right[0] & ~right[1]).sum()),
        only_second=int((right[1] & ~right[0]).sum()),
        agreed=int((classes[0] == classes[1]).sum()),
        largest_gap=float(np.abs(answers[0] - answers[1]).max()),
        disagreeing=tuple(np.flatnonzero(classes[0] != classes[1]).tolist()),
        sizes_bytes=(first.size_bytes, second.size_bytes),
        changed_files=tuple(n for n in names if hashes[0].get(n) != hashes[1].get(n)),
        same_interface=interface_of(first.path) == interface_of(second.path),
    )


def _predictor(version: PublishedVersion) -> Predictor:
    kind = model_file(version.path)
    reader = None if kind is None else runtime(kind)
    if not isinstance(reader, FolderRuntime):
        names = ", ".join(path.name for path in files_of(version.path)) or "no file"
        raise value_error(
            f"version {version.number}",
            received=names,
            expected="a SavedModel, a LiteRT file or an ONNX file",
        )
    return reader.read(version.path)
