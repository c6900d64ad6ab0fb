"""Losses step by step, several trainings in one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np

from deployworkbook.plots.picture import STYLE, Picture


def loss_curves(losses: Mapping[str, Sequence[float]], *, window: int) -> Picture:
    """Draw the running mean of each training's loss.

    Args:
        losses: What each batch came to, by the training's name.
        window: Over how many batches the mean is taken; fewer where there are fewer.
    """
    parts = []
    with mpl.rc_context(STYLE):
        picture = Picture(7, 3.4)
        axes = picture.subplots()
        for (name, values), style in zip(losses.items(), ("-", "--", "-.", ":"), strict=False):
            width = min(window, len(values))
            means = np.convolve(values, np.ones(width) / width, mode="valid")
            axes.plot(np.arange(width, len(values) + 1), means, style, label=name, linewidth=2)
            parts.append(f"{name} from {means[0]:.2f} to {means[-1]:.2f}")
        axes.set(xlabel="step", ylabel="loss (nats)", title=f"Mean of {window} batches")
        axes.set_ylim(bottom=0)
        axes.legend()
        picture.alt = f"Loss by step, mean of {window} batches: {'; '.join(parts)}."
    return picture
