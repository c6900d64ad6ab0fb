"""Losses by step, with several trainings in one plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np

from deployworkbook.plots.picture import COLOURS, STYLE, Picture

LINES = ("-", "--", "-.", ":")

# A difference of 0 is drawn here, below float64's resolution at 1.
SMALLEST_DIFFERENCE = 1e-17


def loss_curves(losses: Mapping[str, Sequence[float]], *, window: int) -> Picture:
    """Draw the running mean of each training's loss.

    Args:
        losses: Loss per batch, by the training's name.
        window: Number of batches in the running mean; fewer if there are fewer.
    """
    parts = []
    with mpl.rc_context(STYLE):
        picture = Picture(7, 3.4)
        axes = picture.subplots()
        for (name, values), style in zip(losses.items(), LINES, strict=False):
            width = min(window, len(values))
            means = np.convolve(values, np.ones(width) / width, mode="valid")
            axes.plot(np.arange(width, len(values) + 1), means, style, label=name, linewidth=2)
            parts.append(f"{name} from {means[0]:.2f} to {means[-1]:.2f}")
        axes.set(xlabel="step", ylabel="loss (nats)", title=f"Mean of {window} batches")
        axes.set_ylim(bottom=0)
        axes.legend()
        picture.alt = f"Loss by step, mean of {window} batches: {'; '.join(parts)}."
    return picture


def difference_curves(differences: Mapping[str, Mapping[str, Sequence[float]]]) -> Picture:
    """Draw the differences between trainings by step, on a logarithmic axis.

    Args:
        differences: Difference at each step, at least 0, by the training's name (colour), then by
            the training it is compared with (line style).
    """
    parts = []
    with mpl.rc_context(STYLE):
        picture = Picture(8.5, 3.6)
        axes = picture.subplots()
        for colour, (name, others) in zip(COLOURS[1:], differences.items(), strict=False):
            for style, (other, values) in zip(LINES, others.items(), strict=False):
                heights = np.maximum(values, SMALLEST_DIFFERENCE)
                steps, label = np.arange(1, len(heights) + 1), f"{name}, {other}"
                axes.plot(steps, heights, style, color=colour, label=label, linewidth=1.6)
                parts.append(f"{label}: {heights[0]:.0e} at first, {heights.max():.0e} at most")
        axes.set(xlabel="step", ylabel="difference of the loss (nats)", yscale="log")
        picture.legend(loc="outside right upper")
        picture.alt = f"Difference of the losses by step. {'; '.join(parts)}."
    return picture
