"""The weights of a network, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
from numpy.typing import ArrayLike

from deployworkbook.plots.picture import COLOURS, STYLE, Picture


def weight_histograms(layers: Mapping[str, ArrayLike]) -> Picture:
    """Draw a histogram of the weights per layer.

    Args:
        layers: Weights of any shape, by the layer's name.
    """
    parts = []
    with mpl.rc_context(STYLE):
        picture = Picture(4.2 * len(layers), 3.1)
        row = np.atleast_1d(picture.subplots(1, len(layers)))
        for axes, (name, values) in zip(row, layers.items(), strict=True):
            weights = np.ravel(values)
            deviation = weights.std()
            axes.hist(weights, bins=80, color=COLOURS[1])
            axes.set_yscale("log")
            axes.set(title=f"{name}: {weights.size:,} weights", xlabel="value", ylabel="count")
            axes.axvline(weights.mean(), color=COLOURS[0], linewidth=1)
            for edge in (-deviation, deviation):
                axes.axvline(weights.mean() + edge, color=COLOURS[2], linewidth=1.5, linestyle="--")
            parts.append(
                f"{name}: {weights.size:,} weights from {weights.min():.2f} to "
                f"{weights.max():.2f}, standard deviation {deviation:.3f}"
            )
        picture.alt = (
            "Histograms of weights, counts on a logarithmic scale, the mean and one standard "
            "deviation on each side marked. " + "; ".join(parts) + "."
        )
    return picture
