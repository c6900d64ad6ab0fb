"""Which layers bear rounding: one layer at one width at a time, all others left in float32.

Simulated: the kernel is rounded to the grid that LiteRT would store, and computed with in float32.
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
    """What rounding one layer does to the whole model's accuracy.

    Args:
        layers: Their names, in order.
        weights: How many weights each one's kernel has.
        bits: The widths that were tried, in order.
        accuracy: With one layer rounded, shape ``[layers, bits]``.
        unrounded: With none.
        examples: How many images these are shares of.
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
    """Round each layer's kernel to each width, and see what that does to the accuracy.

    Args:
        model: A trained Keras model; it is not changed.
        validation: What decides between variants: never the test set.
        bits: Widths, from 2 to 16; each output channel has a symmetric grid of its own.

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
