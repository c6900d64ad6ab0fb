"""Stored integers without floats: sums stay whole numbers from the pixels to the scores.

A file with integer weights and float activations computes W x = s q x. With pixels as whole
numbers, x = p / 255, so sums of q p are whole numbers too, and s / 255 is only their step. Biases
become multiples of that step. ReLU needs no step, so nothing is rounded but the biases: the scores
are those of the file's own float arithmetic, in steps of s_1 s_2 / 255.

Where each output has a scale of its own, or a sum could exceed int32, hidden sums are scaled to a
common step with 16 bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.edge.layouts.choosing import choose_layout
from deployworkbook.edge.network import Network
from deployworkbook.edge.program import Program
from deployworkbook.edge.rescaling import Rescaling, rescaling
from deployworkbook.edge.steps import INT32, Step, bounds_of, check_int32
from deployworkbook.edge.stored_layers import StoredLayer

# The most that a rescaled output can be: hidden ones without a sign, scores with one.
HIDDEN_HIGHEST, SCORE_HIGHEST = 2**16 - 1, 2**22


def stored_weights_program(network: Network, layout: str | None) -> Program:
    """Plan a network of stored integers.

    Args:
        network: Layers of integer weights with scales.
        layout: As in ``plan``.

    Raises:
        ValueError: The layout can't hold the weights, or a sum exceeds int32 even so.
    """
    inputs = np.full(network.inputs, 255.0)
    step = 1 / 255
    steps: list[Step] = []
    for number, layer in enumerate(network.layers):
        following = network.layers[number + 1] if number + 1 < len(network.layers) else None
        scale = np.broadcast_to(np.asarray(layer.scale, np.float64), layer.bias.shape)
        units = step * scale
        bias = np.rint(layer.bias / units).astype(np.int64)
        bounds = bounds_of(layer.weights, bias, inputs)
        check_int32(bounds.magnitude)
        highest = np.maximum(bounds.highest, 0)
        common, step = _common_step(units, highest, bounds.magnitude, following)
        if common is not None and following is not None:
            highest = np.floor(highest * units / step) + 1
        chosen = choose_layout(layer.weights, layout)
        steps.append(
            Step(
                chosen,
                bias,
                input_type=steps[-1].output_type if steps else "uint8_t",
                output_type=_output_type(chosen.by_output, highest, following),
                relu=following is not None,
                rescaling=common,
            )
        )
        inputs = highest
    return Program("stored integers", tuple(steps), step)


def _output_type(by_output: bool, highest: NDArray[Any], following: StoredLayer | None) -> str:
    """Return the type of a buffer; sums that grow together need room for all that they pass."""
    narrow = by_output and following is not None and highest.max() <= HIDDEN_HIGHEST
    return "uint16_t" if narrow else "int32_t"


def _common_step(
    units: NDArray[np.float64],
    highest: NDArray[np.float64],
    magnitude: NDArray[np.float64],
    following: StoredLayer | None,
) -> tuple[Rescaling | None, float]:
    """Return how sums get a common step, and that step; ``None`` if they have one already."""
    if (units == units[0]).all() and (following is None or _fits(following, highest)):
        return None, float(units[0])
    if following is None:
        step = float((magnitude * units).max() / SCORE_HIGHEST)
    else:
        # One less, as each output is rounded.
        step = float((highest * units).max() / (HIDDEN_HIGHEST - 1))
    # No finer than the finest there is: a ratio above 1 adds no information.
    step = max(step, float(units.min()))
    largest = magnitude if following is None else highest
    return rescaling(units / step, largest=largest, rounding="single"), step


def _fits(following: StoredLayer, highest: NDArray[np.float64]) -> bool:
    """Say whether the next layer's sums fit into int32, with half of it left for its biases."""
    reach = highest @ np.abs(following.weights.astype(np.float64))
    return bool(reach.max() <= INT32.max / 2)
