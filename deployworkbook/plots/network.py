"""A small network with the numbers of one example: forward, and backward."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle
from numpy.typing import ArrayLike, NDArray

from deployworkbook.plots.picture import COLOURS, Picture, styled_without_grid

# Letters need more contrast than lines (4.5:1 by WCAG 2), so the second is a darker COLOURS[2].
FORWARD, BACKWARD = COLOURS[1], COLOURS[2]
BETWEEN_COLUMNS, BETWEEN_ROWS, RADIUS = 4.0, 2.4, 0.5
# Where a weight is written, as a share of its line: level lines are free in their middle, where
# the others cross.
LEVEL_PLACE, OTHER_PLACE = 0.5, 0.25


@styled_without_grid
def network_picture(
    kernels: Sequence[ArrayLike],
    values: Sequence[ArrayLike],
    *,
    errors: Sequence[ArrayLike] | None = None,
    gradients: Sequence[ArrayLike] | None = None,
) -> Picture:
    """Draw a network's values and weights for one example; with the errors and gradients, if given.

    Args:
        kernels: Weights per layer, shape ``[in, out]``.
        values: What each column of units holds, from the inputs to the outputs; one more than
            the kernels.
        errors: Error of each unit after the inputs; as many as the kernels.
        gradients: Gradient of each weight, in the shapes of the kernels.
    """
    columns = [np.ravel(np.asarray(column, float)) for column in values]
    weights = [np.asarray(kernel, float) for kernel in kernels]
    slopes = None if gradients is None else [np.asarray(each, float) for each in gradients]
    blames = None if errors is None else [np.ravel(np.asarray(each, float)) for each in errors]
    picture = Picture(9, 4.4, alt=_description(columns, weights, blames, slopes))
    axes = picture.subplots()
    for layer, kernel in enumerate(weights):
        for start, end in np.ndindex(kernel.shape):
            slope = None if slopes is None else float(slopes[layer][start, end])
            _draw_weight(
                axes,
                _place(layer, start, len(columns[layer])),
                _place(layer + 1, end, len(columns[layer + 1])),
                float(kernel[start, end]),
                slope,
            )
    for layer, column in enumerate(columns):
        for unit, value in enumerate(column):
            blame = blames[layer - 1][unit] if blames is not None and layer else None
            _draw_unit(axes, _place(layer, unit, len(column)), value, blame)
    names = ["inputs", *["hidden units"] * (len(columns) - 2), "probabilities"]
    for layer, name in enumerate(names):
        axes.text(layer * BETWEEN_COLUMNS, 2.5, name, ha="center", fontsize=12)
    words = [("values and weights", FORWARD)]
    if blames is not None:
        words.append(("errors δ and gradients ∂L/∂w", BACKWARD))
    for place, (word, colour) in enumerate(words):
        axes.text(BETWEEN_COLUMNS * place - 0.5, -2.9, word, color=colour, fontsize=12)
    right = BETWEEN_COLUMNS * (len(columns) - 1)
    axes.set(xlim=(-1.0, right + 1.0), ylim=(-3.2, 3.0), aspect="equal")
    axes.axis("off")
    return picture


def _place(layer: int, unit: int, units: int) -> NDArray[np.float64]:
    return np.array([layer * BETWEEN_COLUMNS, BETWEEN_ROWS * ((units - 1) / 2 - unit)])


def _draw_unit(axes: Axes, place: NDArray[np.float64], value: float, blame: float | None) -> None:
    x, y = place
    axes.add_patch(Circle((x, y), RADIUS, facecolor="white", edgecolor=FORWARD, lw=2, zorder=3))
    axes.text(x, y, _number(value), ha="center", va="center", color=FORWARD, zorder=4)
    if blame is not None:
        text = f"δ = {_number(blame)}"
        axes.text(x, y - RADIUS - 0.1, text, ha="center", va="top", color=BACKWARD, zorder=4)


def _draw_weight(
    axes: Axes,
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    weight: float,
    slope: float | None,
) -> None:
    axes.plot(*zip(start, end, strict=True), color="#888888", lw=1.2, zorder=1)
    share = LEVEL_PLACE if start[1] == end[1] else OTHER_PLACE
    x, y = start + share * (end - start)
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
    up = 0.0 if slope is None else 0.2
    axes.text(
        x, y + up, _number(weight), ha="center", va="center", color=FORWARD, bbox=box, zorder=2
    )
    if slope is not None:
        text = _number(slope)
        axes.text(x, y - up, text, ha="center", va="center", color=BACKWARD, bbox=box, zorder=2)


def _number(value: float) -> str:
    """Return a number with at most two decimals and a real minus sign."""
    return f"{round(value, 2) + 0.0:g}".replace("-", "−")


def _description(
    columns: list[NDArray[np.float64]],
    weights: list[NDArray[np.float64]],
    blames: list[NDArray[np.float64]] | None,
    slopes: list[NDArray[np.float64]] | None,
) -> str:
    def listed(values: NDArray[np.float64]) -> str:
        return ", ".join(map(_number, values.ravel()))

    units = "-".join(str(len(column)) for column in columns)
    parts = [f"A {units} network. Inputs {listed(columns[0])}"]
    for layer, (kernel, column) in enumerate(zip(weights, columns[1:], strict=True), 1):
        name = "probabilities" if layer == len(weights) else f"hidden units {layer}"
        part = f"weights {listed(kernel)} lead to {name} {listed(column)}"
        if blames is not None:
            part += f", errors {listed(blames[layer - 1])}"
        if slopes is not None:
            part += f", gradients of the weights {listed(slopes[layer - 1])}"
        parts.append(part)
    return "; ".join(parts) + "."
