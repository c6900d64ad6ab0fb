"""Distillation: gradients by temperature, and the students' gain in accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.ticker import FuncFormatter

from deployworkbook.plots.picture import COLOURS, STYLE, Picture

if TYPE_CHECKING:
    from deployworkbook.compression.students import StudentComparison

LINES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D")


def gradient_norms(temperatures: Sequence[float], norms: Mapping[str, Sequence[float]]) -> Picture:
    """Draw the length of gradients by temperature, both on logarithmic axes.

    Args:
        temperatures: T, in ascending order.
        norms: Length of the gradient at each temperature, above 0, by the name of the loss.
    """
    parts = []
    with mpl.rc_context(STYLE):
        picture = Picture(7.5, 3.6)
        axes = picture.subplots()
        for (name, values), style, marker in zip(norms.items(), LINES, MARKERS, strict=False):
            axes.plot(temperatures, values, style, marker=marker, label=name, linewidth=2)
            parts.append(f"{name} from {values[0]:.2g} to {values[-1]:.2g}")
        axes.set(xlabel="temperature T", ylabel="mean length of the gradient")
        axes.set(xscale="log", yscale="log", title="Gradient with respect to the student's logits")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.set_xticks(temperatures)
        axes.minorticks_off()
        picture.legend(loc="outside lower center", ncols=len(norms))
    picture.alt = (
        f"Mean length of gradients at temperatures from {temperatures[0]:g} to "
        f"{temperatures[-1]:g}: {'; '.join(parts)}."
    )
    return picture


def students_picture(comparisons: Mapping[str, StudentComparison]) -> Picture:
    """Draw each student's accuracy, and the gain from distillation with its 95 % interval.

    Args:
        comparisons: Comparisons by the students' name.
    """
    rng, parts = np.random.default_rng(0), []
    with mpl.rc_context(STYLE):
        picture = Picture(10, 1.4 + 0.62 * len(comparisons))
        left, right = picture.subplots(1, 2, sharey=True)
        for row, (name, each) in enumerate(comparisons.items()):
            # Jitter the points, so that equal values remain visible.
            shift = row + rng.uniform(-0.05, 0.05, len(each.differences))
            left.plot(100 * each.accuracy_alone, shift + 0.16, "o", color=COLOURS[6])
            left.plot(100 * each.accuracy_distilled, shift - 0.16, "s", color=COLOURS[2])
            middle, ends = 100 * each.differences.mean(), 100 * np.array(each.interval)
            right.plot(100 * each.differences, shift + 0.2, "o", color=COLOURS[0], ms=4)
            right.errorbar(
                [middle],
                [row - 0.1],
                xerr=np.abs(ends - middle)[:, None],
                fmt="D",
                color=COLOURS[1],
                capsize=5,
                linewidth=2,
            )
            parts.append(
                f"{name}: {each.accuracy_alone.mean():.2%} alone, "
                f"{each.accuracy_distilled.mean():.2%} distilled, difference from {ends[0]:+.2f} "
                f"to {ends[1]:+.2f} points"
            )
        left.set_yticks(range(len(comparisons)), list(comparisons))
        left.set_ylim(len(comparisons) - 0.5, -0.5)
        left.set(title="Test accuracy", xlabel="%")
        right.axvline(0, color=COLOURS[0], linewidth=1, linestyle=":")
        right.set(title="Gain from distillation", xlabel="percentage points of accuracy")
        handles = [
            left.plot([], [], "o", color=COLOURS[6], label="alone")[0],
            left.plot([], [], "s", color=COLOURS[2], label="distilled")[0],
            right.plot([], [], "o", color=COLOURS[0], ms=4, label="a pair's difference")[0],
            right.errorbar([], [], xerr=[], fmt="D", color=COLOURS[1], label="mean, 95 % interval"),
        ]
        picture.legend(handles=handles, loc="outside lower center", ncols=4)
    picture.alt = f"Students alone and distilled. {'; '.join(parts)}."
    return picture
