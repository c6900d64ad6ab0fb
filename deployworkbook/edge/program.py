"""The whole network as the microcontroller runs it: from pixels to scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.edge.network import Arithmetic
from deployworkbook.edge.steps import Step
from deployworkbook.validation import check_array, describe, value_error


@dataclass(frozen=True, eq=False)
class Program:
    """Layers in order, and what their scores mean.

        probabilities = softmax(score_step · scores)

    Args:
        arithmetic: What it computes with.
        steps: The layers.
        score_step: Step of a score.
        input_table: The first layer's input for each of the 256 values of a pixel; ``None`` if that
            is the pixel itself.
    """

    arithmetic: Arithmetic
    steps: tuple[Step, ...]
    score_step: float
    input_table: NDArray[np.uint8] | None = None

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return self.steps[0].inputs

    @property
    def classes(self) -> int:
        """Number of classes."""
        return self.steps[-1].outputs

    @property
    def score_type(self) -> str:
        """C type of the scores."""
        return self.steps[-1].output_type

    @property
    def table_bytes(self) -> int:
        """Bytes of all tables in flash: weights, biases, multipliers."""
        table = 0 if self.input_table is None else self.input_table.nbytes
        return table + sum(step.flash_bytes for step in self.steps)

    @property
    def buffer_bytes(self) -> int:
        """Bytes of RAM for what lies between the layers."""
        return sum(step.buffer_bytes for step in self.steps[:-1])

    def scores(self, pixels: NDArray[np.uint8]) -> NDArray[Any]:
        """Compute scores in NumPy, as the C code does.

        Whole numbers are equal; floats are added in another order, and differ by some 1e-6.

        Args:
            pixels: uint8, shape ``[n, pixels]`` or ``[n, height, width]``.

        Returns:
            Shape ``[n, classes]``.
        """
        values: NDArray[Any] = check_pixels(pixels, self.pixels)
        if self.input_table is not None:
            values = self.input_table[values]
        elif self.score_type == "float":
            values = values.astype(np.float32) / np.float32(255)
        for step in self.steps:
            values = step.apply(values)
        return values if self.score_type == "float" else values.astype(np.int32)


def to_pixels(images: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Turn images from 0 … 1 into the bytes that a camera gives.

        p = round(255 x)

    Args:
        images: float32 in 0 … 1, shape ``[n, 28, 28]``.

    Returns:
        uint8, shape ``[n, 784]``.

    >>> to_pixels(np.float32([[[0.0, 1.0], [0.5, 0.2]]])).tolist()
    [[0, 255, 128, 51]]
    """
    values = check_array("images", images, ndim=3)
    if values.min() < 0 or values.max() > 1:
        received = f"values from {values.min():g} to {values.max():g}"
        remedy = "Divide the pixels by 255."
        raise value_error("images", received=received, expected="values in 0 … 1", remedy=remedy)
    return np.rint(values * 255).astype(np.uint8).reshape(len(values), -1)


def check_pixels(pixels: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """Return images as rows of pixels.

    Args:
        pixels: uint8, one image per row of the first axis.
        count: Pixels of an image.

    Raises:
        ValueError: They are of another type or size.
    """
    array = np.asarray(pixels)
    if array.dtype != np.uint8 or array.ndim < 2 or array[0].size != count:
        raise value_error(
            "pixels",
            received=describe(array),
            expected=f"uint8, {count} pixels per image",
            remedy="Turn images from 0 … 1 into bytes by to_pixels(images).",
        )
    return array.reshape(len(array), count)
