"""Curves of attacks on logarithmic axes: whom they find, and whom they accuse wrongly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FuncFormatter

from deployworkbook.plots.picture import COLOURS, LINES, Picture, styled

if TYPE_CHECKING:
    from deployworkbook.formulas.membership import Roc

NOTED = 0.01
PERCENT = FuncFormatter(lambda value, _: f"{100 * value:g}%")


@styled
def roc_picture(curves: Mapping[str, Roc], *, lowest: float = 1e-3) -> Picture:
    """Draw the true positives of attacks by their false positives, both axes logarithmic.

    On such axes one sees what matters to an attacker who must not be wrong often: the lower left.

    Args:
        curves: Curves by the attack's name, such as ``roc_curve``'s; at least one.
        lowest: Beginning of both axes, in (0, 1).
    """
    picture = Picture(7.4, 4.4)
    axes = picture.subplots()
    axes.plot([lowest, 1], [lowest, 1], ":", color=COLOURS[0], label="guessing")
    said = []
    for index, (name, curve) in enumerate(curves.items()):
        x, y = curve.false_positive_rate, curve.true_positive_rate
        style, colour = LINES[index % len(LINES)], COLOURS[1:][index % len(COLOURS[1:])]
        # A step: no threshold lies between two neighbouring scores.
        axes.plot(x, y, style, color=colour, linewidth=2, label=name, drawstyle="steps-post")
        found = y[np.searchsorted(x, NOTED, side="right") - 1]
        said.append(f"{name} finds {found:.1%} of the members at {NOTED:.0%} false positives")
    axes.set(xscale="log", yscale="log", xlim=(lowest, 1), ylim=(lowest, 1.1))
    axes.set(xlabel="false positives", ylabel="true positives")
    axes.set_title("Whom the attack finds, and whom it accuses wrongly")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PERCENT)
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    picture.alt = f"Curves of attacks on logarithmic axes: {'; '.join(said)}."
    return picture
