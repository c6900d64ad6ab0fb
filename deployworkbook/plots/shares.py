"""Measured shares, such as accuracies, with their intervals: against radii, queries or bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import PercentFormatter
from numpy.typing import ArrayLike

from deployworkbook.plots.picture import COLOURS, LINES, MARKERS, Picture, styled
from deployworkbook.plots.roofline import PLAIN

if TYPE_CHECKING:
    from deployworkbook.formulas.shares import Share


@styled
def share_curves(
    curves: Mapping[str, tuple[ArrayLike, Sequence[Share]]],
    *,
    along: str,
    share: str = "accuracy",
    title: str = "",
    log: bool = False,
) -> Picture:
    """Draw measured shares as lines, with their intervals as bands around them.

    Args:
        curves: Places on the axis and the share at each of them, by the line's name; at least one,
            at most eight.
        along: What the axis counts, such as ``"queries"``.
        share: What the shares are.
        title: Title of the picture.
        log: Whether the axis is logarithmic; then all places are above 0.

        share_curves({"int8": ([0, 0.1], robustness.accuracies["int8"])}, along="change of a pixel")
    """
    picture = Picture(8, 4.2)
    axes = picture.subplots()
    said = []
    for index, (name, (places, shares)) in enumerate(curves.items()):
        x = np.asarray(places, float)
        middle = [each.value for each in shares]
        low, high = np.transpose([each.interval for each in shares])
        colour = COLOURS[1:][index % len(COLOURS[1:])]
        form = f"{MARKERS[index]}{LINES[index % len(LINES)]}"
        axes.plot(x, middle, form, color=colour, linewidth=2, markersize=6, label=name)
        axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
        said.append(f"{name} from {middle[0]:.1%} at {x[0]:,g} to {middle[-1]:.1%} at {x[-1]:,g}")
    axes.set(xlabel=along, ylabel=share, title=title)
    if log:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(PLAIN)
        axes.minorticks_off()
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    picture.alt = f"{title or share.capitalize()}, by {along}: {'; '.join(said)}."
    return picture
