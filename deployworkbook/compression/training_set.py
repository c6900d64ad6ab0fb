"""Training examples: images, labels, augmentations, and a teacher's logits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployworkbook.compression.augmentation import Augmentation
from deployworkbook.validation import describe, value_error


@dataclass(frozen=True, eq=False)
class Examples:
    """Training examples.

    Args:
        images: float32 in 0 … 1, shape ``[n, 28, 28]``.
        labels: Whole numbers, shape ``[n]``.
        augmentations: How an image may be moved before it is shown; each batch uses one of them.
        teacher_logits: A teacher's logits for each augmentation of each image, shape
            ``[augmentations, n, classes]``; ``None`` to train with labels alone.

    Raises:
        ValueError: The shapes do not match.
    """

    images: NDArray[np.float32]
    labels: NDArray[np.int64]
    augmentations: tuple[Augmentation, ...] = (Augmentation(),)
    teacher_logits: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if not self.augmentations:
            raise value_error("augmentations", received="none", expected="at least one")
        if self.images.ndim != 3 or len(self.images) != len(self.labels):
            expected = f"shape [{len(self.labels)}, height, width]"
            raise value_error("images", received=describe(self.images), expected=expected)
        said = self.teacher_logits
        if said is not None and said.shape[:-1] != (len(self.augmentations), len(self.images)):
            expected = f"shape [{len(self.augmentations)}, {len(self.images)}, classes]"
            raise value_error("teacher_logits", received=describe(said), expected=expected)

    def chosen(self, rows: NDArray[np.int64]) -> Examples:
        """Return some of the examples, by index."""
        said = None if self.teacher_logits is None else self.teacher_logits[:, rows]
        return Examples(self.images[rows], self.labels[rows], self.augmentations, said)

    def without_teacher(self) -> Examples:
        """Return the same examples without the teacher's logits."""
        return Examples(self.images, self.labels, self.augmentations)
