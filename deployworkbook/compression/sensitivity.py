"""Which layers tolerate rounding: round one layer at a time, and leave the others in float32.

This is simulated: the kernel is rounded to the grid that LiteRT would store, but used in float32.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.compression.simulate import correct_of, rounded, with_kernels
from deployworkbook.training.data import Split
from deployworkbook.validation import value_error


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """Effect of rounding one layer on the whole model's accuracy.

    Args:
        layers: Names of the layers, in order.
        weights: Number of weights in each layer's kernel.
        bits: Widths that were tried, in order.
        accuracy: Accuracy with one layer rounded, shape ``[layers, bits]``.
        unrounded: Accuracy with no layer rounded.
        examples: Number of images that were classified.
    """

    layers: tuple[str, ...]
    weights: tuple[int, ...]
    bits: tuple[int, ...]
    accuracy: NDArray[np.float64]
    unrounded: float
    examples: int


def scan_sensitivity(
    model: Any, validation: Split, *, bits: Iterable[int] = (2, 3, 4, 6, 8)
) -> Sensitivity:
    """Measure the accuracy with each layer's kernel rounded to each width.

    Args:
        model: A trained Keras model; not changed.
        validation: The validation set, for choosing between variants; never the test set.
        bits: Widths, from 2 to 16; each output channel has its own symmetric grid.

    Returns:
        The accuracies.

    Raises:
        ValueError: There is no layer with a kernel, no width, or one out of range.
    """
    widths = tuple(sorted(set(bits)))
    if not widths:
        raise value_error("bits", received="none", expected="at least one width")
    layers = with_kernels(model)
    if not layers:
        raise value_error("model", received="no layer with a kernel", expected="at least one")
    correct = [
        [
            correct_of(rounded(model, bits=width, layers=[layer.name]), validation)
            for width in widths
        ]
        for layer in layers
    ]
    return Sensitivity(
        layers=tuple(layer.name for layer in layers),
        weights=tuple(int(np.prod(layer.kernel.shape)) for layer in layers),
        bits=widths,
        accuracy=np.array(correct) / len(validation),
        unrounded=correct_of(model, validation) / len(validation),
        examples=len(validation),
    )
