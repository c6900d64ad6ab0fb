"""Sparsity: its schedule while a model is pruned, and the remaining accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.ticker import PercentFormatter

from deployworkbook.plots.picture import STYLE, Picture

LINES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D")


def sparsity_schedules(steps: Sequence[float], schedules: Mapping[str, Sequence[float]]) -> Picture:
    """Draw the fraction of pruned weights at each step.

    Args:
        steps: Training steps.
        schedules: Sparsity at each step, by the schedule's name.
    """
    parts = []
    with mpl.rc_context(STYLE):
        picture = Picture(7, 3.2)
        axes = picture.subplots()
        for (name, values), style in zip(schedules.items(), LINES, strict=False):
            axes.plot(steps, values, style, label=name, linewidth=2)
            middle = values[len(values) // 2]
            parts.append(f"{name} {values[0]:.0%}, {middle:.0%} and {values[-1]:.0%}")
        axes.set(xlabel="step", ylabel="weights pruned", ylim=(0, 1.02))
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.legend(loc="lower right")
        picture.alt = (
            f"Fraction of pruned weights at the first, the middle and the last step: "
            f"{'; '.join(parts)}."
        )
    return picture


def accuracy_by_sparsity(
    sparsities: Sequence[float], accuracies: Mapping[str, Sequence[float]], *, title: str
) -> Picture:
    """Draw the remaining accuracy by sparsity, for each pruning method.

    Args:
        sparsities: Fractions of the weights to prune.
        accuracies: Accuracy at each sparsity, by the method's name.
        title: Title of the plot.
    """
    parts = []
    with mpl.rc_context(STYLE):
        picture = Picture(7, 3.6)
        axes = picture.subplots()
        for (name, values), style, marker in zip(accuracies.items(), LINES, MARKERS, strict=False):
            axes.plot(sparsities, values, marker + style, label=name, linewidth=2, markersize=5)
            parts.append(f"{name} from {values[0]:.1%} to {values[-1]:.1%}")
        axes.set(xlabel="weights pruned", ylabel="accuracy", title=title, ylim=(0, 1.02))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.legend(loc="lower left")
        picture.alt = (
            f"{title}, from {sparsities[0]:.0%} to {sparsities[-1]:.0%} of the weights pruned: "
            f"{'; '.join(parts)}."
        )
    return picture
