"""Which layers bear rounding: one layer at one width at a time, all others left in float32.

Simulated: the kernel is rounded to the grid that LiteRT would store, and computed with in float32.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.clipping import fit_grid
from deployworkbook.formulas.quantization import fake_quantize
from deployworkbook.training.data import Split
from deployworkbook.training.keras import keras
from deployworkbook.validation import message


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
        raise ValueError(message("bits", received="none", expected="at least one width"))
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    layers = [layer for layer in copy.layers if hasattr(layer, "kernel")]
    if not layers:
        raise ValueError(
            message("model", received="no layer with a kernel", expected="at least one")
        )
    accuracy = np.empty((len(layers), len(widths)))
    for row, layer in enumerate(layers):
        exact = layer.kernel.numpy()
        for column, width in enumerate(widths):
            grid = fit_grid(exact, bits=width, scheme="symmetric", axis=-1)
            layer.kernel.assign(fake_quantize(exact, grid))
            accuracy[row, column] = _accuracy(copy, validation)
        layer.kernel.assign(exact)
    return Sensitivity(
        layers=tuple(layer.name for layer in layers),
        weights=tuple(int(np.prod(layer.kernel.shape)) for layer in layers),
        bits=widths,
        accuracy=accuracy,
        unrounded=_accuracy(copy, validation),
        examples=len(validation),
    )


def _accuracy(model: Any, split: Split) -> float:
    probabilities = model.predict(split.images, batch_size=1024, verbose=0)
    return float((probabilities.argmax(axis=1) == split.labels).mean())
