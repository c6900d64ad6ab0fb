"""What all platforms share: artifacts on disk, predictors in memory, and how one becomes the other.

Each platform is a module with a class that satisfies ``Runtime``; ``registry`` lists them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from deployworkbook.runtimes.provenance import Provenance
from deployworkbook.training.variant import Variant
from deployworkbook.validation import describe, value_error


class UnavailableError(RuntimeError):
    """A platform doesn't work here: a package is missing, or the processor cannot run it."""


@dataclass(frozen=True)
class Artifact:
    """A variant as files that a runtime can load, in a folder with a record of their origin.

    Args:
        path: The folder.
        runtime: Name of the runtime that wrote it and can load it.
        variant: Name of the variant in it.
    """

    path: Path
    runtime: str
    variant: str

    @classmethod
    def at(cls, path: Path) -> Artifact:
        """Return the artifact in a folder that a runtime has written.

        Raises:
            FileNotFoundError: The folder does not exist, or has no record.
            ValueError: The record is damaged.
        """
        found = Provenance.read(path)
        return cls(path, found.runtime, found.variant)

    @property
    def provenance(self) -> Provenance:
        """Record of its origin, read from its folder.

        Raises:
            FileNotFoundError: The folder does not exist, or has no record.
            ValueError: The record is damaged.
        """
        return Provenance.read(self.path)

    @property
    def files(self) -> list[Path]:
        """The model's files in a fixed order, without the record."""
        return sorted(self.path / name for name in self.provenance.files)

    @property
    def size_bytes(self) -> int:
        """Total size of the model's files, without the record, which no platform needs to run."""
        return sum(path.stat().st_size for path in self.files)


@runtime_checkable
class Predictor(Protocol):
    """A loaded model: images in, probabilities out."""

    @property
    def runtime(self) -> str:
        """The runtime's name."""

    @property
    def runtime_version(self) -> str:
        """The runtime's version."""

    @property
    def threads(self) -> int:
        """Number of threads per prediction."""

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map images, float32 in 0 … 1, shape ``[n, 28, 28]``, to ``[n, classes]``."""


@runtime_checkable
class Runtime(Protocol):
    """A platform that can write a variant to disk and run it from there."""

    @property
    def name(self) -> str:
        """Name in the ledger."""

    def export(self, variant: Variant, directory: Path) -> Artifact:
        """Write the variant into the directory, whole or not at all; replace an earlier export.

        Raises:
            ValueError: The runtime cannot take this form.
        """

    def load(self, artifact: Artifact) -> Predictor:
        """Read an artifact of this runtime.

        Raises:
            FileNotFoundError: It is not there.
            ValueError: It is damaged, or of another runtime.
        """


def check_images(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ``images`` if they are what every predictor takes.

    Raises:
        ValueError: They are not float32 of shape ``[n, 28, 28]`` with n of at least 1.

    >>> import numpy as np
    >>> check_images(np.zeros((2, 28, 28)))
    Traceback (most recent call last):
    ...
    ValueError: images: expected float32 of shape [n, 28, 28], n at least 1. \
Received: an array of float64, shape (2, 28, 28).
    """
    if (
        not isinstance(images, np.ndarray)
        or images.dtype != np.float32
        or images.ndim != 3
        or images.shape[1:] != (28, 28)
        or len(images) == 0
    ):
        expected = "float32 of shape [n, 28, 28], n at least 1"
        raise value_error("images", received=describe(images), expected=expected)
    return images


def check_timed(predict: Predictor) -> Predictor:
    """Return a predictor whose time a clock can measure: not one of an emulated core.

    Raises:
        ValueError: Its core is emulated, so that its time would be the emulator's.
    """
    if getattr(predict, "emulated", False):
        raise value_error(
            predict.runtime,
            received="an emulated core, which has no time of its own",
            expected="a platform that this computer runs itself",
            remedy="Count its instructions instead: measure_core(variant, dataset, directory).",
        )
    return predict
