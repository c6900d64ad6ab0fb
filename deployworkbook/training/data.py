"""The data that the workbook's model learns from: MNIST if it is available, else small digits.

No TensorFlow here, so lessons that only look at the data stay light.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.preprocessing import normalise
from deployworkbook.training.mnist import (
    CLASSES,
    ENVIRONMENT_VARIABLE,
    IMAGE_SHAPE,
    fetch,
    mnist_file,
    read,
)
from deployworkbook.training.small_digits import WHITE, small_digits
from deployworkbook.training.splitting import stratified_split
from deployworkbook.validation import (
    check_choice,
    check_integer,
    check_labels,
    check_number,
    describe,
    value_error,
)

DatasetName = Literal["mnist", "digits"]

# MNIST's digits fill 20×20 pixels of an image of 28×28.
BOX_SIZE_PIXELS = 20


@dataclass(frozen=True)
class Split:
    """Images with their labels.

    Args:
        images: float32 in 0 … 1, shape ``[n, 28, 28]``.
        labels: int64 in 0 … 9, shape ``[n]``.

    Raises:
        ValueError: A type, a shape or a range is wrong.
    """

    images: NDArray[np.float32]
    labels: NDArray[np.int64]

    def __post_init__(self) -> None:
        images = self.images
        if images.dtype != np.float32 or images.shape[1:] != IMAGE_SHAPE:
            expected = "float32 of shape [n, 28, 28]"
            raise value_error("images", received=describe(images), expected=expected)
        if not (images.min() >= 0.0 and images.max() <= 1.0):
            received = f"values from {images.min():g} to {images.max():g}"
            raise value_error("images", received=received, expected="values from 0 to 1")
        if len(check_labels("labels", self.labels, CLASSES)) != len(images):
            received, expected = f"{len(self.labels)} labels", f"{len(images)}, one per image"
            raise value_error("labels", received=received, expected=expected)

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, count: int) -> Split:
        """Return the first ``count`` examples, or all if there are fewer."""
        size = check_integer("count", count, 1)
        return Split(self.images[:size], self.labels[:size])


@dataclass(frozen=True)
class Dataset:
    """A set of digits in three parts: for training, validation and testing.

    Args:
        name: ``"mnist"`` or ``"digits"``, as in the ledger.
        source: Which data these are and why, in a sentence.
        train: For fitting the weights.
        validation: For deciding when to stop, and choosing between variants.
        test: For measuring alone: no decision may depend on it.
        classes: Number of classes.
    """

    name: DatasetName
    source: str
    train: Split
    validation: Split
    test: Split
    classes: int = CLASSES

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all images and labels: equal for equal data in the same order."""
        digest = hashlib.sha256()
        for split in (self.train, self.validation, self.test):
            digest.update(str(len(split)).encode())
            digest.update(np.ascontiguousarray(split.images).data)
            digest.update(np.ascontiguousarray(split.labels).data)
        return digest.hexdigest()[:16]

    def __str__(self) -> str:
        sizes = f"{len(self.train):,} to train, {len(self.validation):,} to validate"
        return f"{self.source}\n{sizes}, {len(self.test):,} to test."

    def __repr__(self) -> str:
        # The dataclass's own would print the arrays.
        return f"<Dataset {self.name} {self.fingerprint}: {self}>"


def load_dataset(
    name: Literal["auto", "mnist", "digits"] = "auto",
    *,
    seed: int = 0,
    validation_fraction: float = 0.1,
) -> Dataset:
    """Load digits as float32 images in 0 … 1, split at random with equal fractions of each class.

    MNIST is taken from the file that ``DEPLOYWORKBOOK_MNIST`` names, from Keras's cache, or by
    download; its 10,000 test images stay the test set. ``"digits"`` are scikit-learn's 1,797
    real digits of 8×8 pixels, enlarged to MNIST's size; a fifth of them is the test set.

    Args:
        name: ``"mnist"`` or ``"digits"``; ``"auto"`` takes MNIST if it is available.
        seed: Seed of the split into training and validation set, and into test set for
            ``"digits"``.
        validation_fraction: Fraction of the training images to validate with, in (0, 0.5].

    Raises:
        ConnectionError: ``"mnist"`` is not on this machine and cannot be downloaded.
        FileNotFoundError: The file that the environment variable names does not exist.
        ValueError: The file is damaged or contains other data.

    >>> data = load_dataset("digits")
    >>> data.name, data.train.images.shape, len(data.validation), len(data.test)
    ('digits', (1293, 28, 28), 144, 360)
    """
    check_choice("name", name, ["auto", "mnist", "digits"])
    check_integer("seed", seed, 0, 2**32 - 1)
    check_number("validation_fraction", validation_fraction, 0, 0.5, open_low=True)
    if name == "digits":
        return _digits("as asked", seed, validation_fraction)
    try:
        path, found = mnist_file() or (fetch(), "just downloaded")
    except ConnectionError as error:
        if name == "mnist":
            raise ConnectionError(
                f"MNIST is not on this machine, and {error}. Set {ENVIRONMENT_VARIABLE} to "
                "the path of Keras's mnist.npz, or use dataset='digits', which needs no network."
            ) from error
        return _digits(
            f"since MNIST is not on this machine, and {error}", seed, validation_fraction
        )
    (images, labels), test = read(path)
    train, validation = _split(_split_of(images, labels, 255), validation_fraction, seed)
    source = f"MNIST, 28×28 pixels, from {path}, {found}."
    return Dataset("mnist", source, train, validation, _split_of(*test, 255))


def _digits(reason: str, seed: int, validation_fraction: float) -> Dataset:
    from scipy.ndimage import zoom

    small, labels = small_digits()
    # Bilinear, which keeps the grey values within 0 … 16; a cubic spline would overshoot.
    factor = BOX_SIZE_PIXELS / small.shape[1]
    enlarged = zoom(small, (1, factor, factor), order=1)
    margin = (IMAGE_SHAPE[0] - BOX_SIZE_PIXELS) // 2
    framed = np.pad(enlarged, ((0, 0), (margin, margin), (margin, margin)))
    rest, test = _split(_split_of(framed, labels, WHITE), 0.2, seed)
    train, validation = _split(rest, validation_fraction, seed)
    source = f"scikit-learn's digits, 8×8 pixels enlarged to 28×28, {reason}."
    return Dataset("digits", source, train, validation, test)


def _split_of(
    images: NDArray[np.uint8] | NDArray[np.float64], labels: NDArray[np.integer], white: int
) -> Split:
    if images.dtype == np.uint8:
        # A table of 256 values: MNIST's 47 million pixels in float64 would take 376 MB, twice.
        scaled = normalise(np.arange(white + 1), 0, white).astype(np.float32)[images]
    else:
        scaled = normalise(images, 0, white).astype(np.float32)
    return Split(scaled, labels.astype(np.int64))


def _split(whole: Split, fraction: float, seed: int) -> tuple[Split, Split]:
    # Both in the file's order, so that a batch of images is contiguous in memory.
    kept, taken = stratified_split(whole.labels, fraction, seed)
    return (
        Split(whole.images[kept], whole.labels[kept]),
        Split(whole.images[taken], whole.labels[taken]),
    )
