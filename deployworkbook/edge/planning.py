"""From stored layers to steps: types, biases and ratios for each kind of arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.edge.layouts.choosing import choose_layout
from deployworkbook.edge.network import Network
from deployworkbook.edge.program import Program
from deployworkbook.edge.rescaling import rescaling
from deployworkbook.edge.steps import Step, bounds_of, check_int32
from deployworkbook.edge.stored_weights import stored_weights_program
from deployworkbook.formulas.integer_inference import Rounding
from deployworkbook.formulas.quantization import Grid

PIXEL_VALUES = np.arange(256, dtype=np.uint8)


def plan(network: Network, *, layout: str | None = None, rounding: Rounding = "float32") -> Program:
    """Decide how a microcontroller runs a network.

    Args:
        network: The layers.
        layout: Layout of all weights, one of ``LAYOUTS``; ``None`` for the smallest of each layer.
        rounding: How an int8 network's sums are rounded, as in ``Rescaling``.

    Raises:
        ValueError: The layout can't hold the weights, or a sum doesn't fit.
    """
    if network.arithmetic == "float32":
        return _float_program(network, layout)
    if network.arithmetic == "int8":
        return _int8_program(network, layout, rounding)
    return stored_weights_program(network, layout)


def _float_program(network: Network, layout: str | None) -> Program:
    last = len(network.layers) - 1
    steps = [
        Step(
            choose_layout(layer.weights, layout),
            layer.bias,
            input_type="float" if number else "uint8_t",
            output_type="float",
            relu=number < last,
        )
        for number, layer in enumerate(network.layers)
    ]
    return Program("float32", tuple(steps), 1.0)


def _int8_program(network: Network, layout: str | None, rounding: Rounding) -> Program:
    """Plan LiteRT's int8 arithmetic.

    Activations are kept without their zero point, so that a 0 adds nothing to the next sums.
    """
    grid = network.input_grid
    assert grid is not None  # noqa: S101 - Network makes sure
    table = _input_table(grid)
    inputs = np.full(network.inputs, float(table.max()))
    steps: list[Step] = []
    for number, layer in enumerate(network.layers):
        hidden = number + 1 < len(network.layers)
        output_grid: Any = layer.output_grid
        bias = layer.bias.astype(np.int64)
        bounds = bounds_of(layer.weights, bias, inputs)
        check_int32(bounds.magnitude)
        zero_point = output_grid.zero_point.item()
        lowest = 0 if hidden else output_grid.low
        highest = output_grid.high - zero_point if hidden else output_grid.high
        chosen = choose_layout(layer.weights, layout)
        steps.append(
            Step(
                chosen,
                bias,
                input_type=steps[-1].output_type if steps else "uint8_t",
                # Sums that grow together need room for all that they pass.
                output_type="uint8_t" if hidden and chosen.by_output else "int32_t",
                relu=hidden,
                rescaling=rescaling(
                    _ratio(grid, layer.scale, output_grid, layer.bias.shape, rounding),
                    largest=bounds.magnitude,
                    rounding=rounding,
                ),
                zero_point=0 if hidden else zero_point,
                limits=(lowest, highest),
            )
        )
        inputs = np.full(len(bias), float(highest))
        grid = output_grid
    is_pixel = bool((table == PIXEL_VALUES).all())
    return Program("int8", tuple(steps), grid.scale.item(), None if is_pixel else table)


def _input_table(grid: Grid) -> NDArray[np.uint8]:
    """Return what the first layer sees of each pixel: its integer less the zero point."""
    scale, zero_point = np.float32(grid.scale.item()), np.float32(grid.zero_point.item())
    steps = np.rint(PIXEL_VALUES.astype(np.float32) / np.float32(255) / scale) + zero_point
    integers = np.clip(steps, grid.low, grid.high).astype(np.int64)
    # From 0 to 255, since the zero point is on the grid and no pixel is below 0.
    return np.asarray(integers - grid.zero_point.item(), np.uint8)


def _ratio(
    input_grid: Grid, scale: Any, output_grid: Grid, shape: tuple[int, ...], rounding: Rounding
) -> NDArray[Any]:
    """Return s_x s_w / s_y for each output, in the type that the rounding computes with."""
    dtype = np.float32 if rounding == "float32" else np.float64
    scales = (input_grid.scale, scale, output_grid.scale)
    numbers: list[NDArray[Any]] = [np.asarray(each).astype(dtype) for each in scales]
    s_x, s_w, s_y = numbers
    return np.broadcast_to(s_x * s_w / s_y, shape)
