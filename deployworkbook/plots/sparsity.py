"""Sparsity: how it rises while a model is pruned, and what accuracy it leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.ticker import PercentFormatter

from deployworkbook.plots.picture import STYLE, Picture

LINES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D")


def sparsity_schedules(steps: Sequence[float], schedules: Mapping[str, Sequence[float]]) -> Picture:
    """Draw which share of the weights is gone at each step.

    Args:
        steps: When.
        schedules: By name, the sparsity at each of the steps.
    """
    parts = []
    with mpl.rc_context(STYLE):
        picture = Picture(7, 3.2)
        axes = picture.subplots()
        for (name, values), style in zip(schedules.items(), LINES, strict=False):
            axes.plot(steps, values, style, label=name, linewidth=2)
            middle = values[len(values) // 2]
            parts.append(f"{name} {values[0]:.0%}, {middle:.0%} and {values[-1]:.0%}")
        axes.set(xlabel="step", ylabel="weights gone", ylim=(0, 1.02))
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.legend(loc="lower right")
        picture.alt = (
            f"Share of the weights that is gone, at the first, the middle and the last of the "
            f"steps: {'; '.join(parts)}."
        )
    return picture


def accuracy_by_sparsity(
    sparsities: Sequence[float], accuracies: Mapping[str, Sequence[float]], *, title: str
) -> Picture:
    """Draw what accuracy each way of pruning leaves.

    Args:
        sparsities: Shares of the weights that go.
        accuracies: By the way's name, the accuracy at each of these sparsities.
        title: What was measured, and on what.
    """
    parts = []
    with mpl.rc_context(STYLE):
        picture = Picture(7, 3.6)
        axes = picture.subplots()
        for (name, values), style, marker in zip(accuracies.items(), LINES, MARKERS, strict=False):
            axes.plot(sparsities, values, marker + style, label=name, linewidth=2, markersize=5)
            parts.append(f"{name} from {values[0]:.1%} to {values[-1]:.1%}")
        axes.set(xlabel="weights gone", ylabel="accuracy", title=title, ylim=(0, 1.02))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.legend(loc="lower left")
        picture.alt = (
            f"{title}, from {sparsities[0]:.0%} to {sparsities[-1]:.0%} of the weights gone: "
            f"{'; '.join(parts)}."
        )
    return picture
