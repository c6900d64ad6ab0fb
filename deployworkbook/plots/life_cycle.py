"""The life cycle of a deployed model: four stages with four kinds of cost each."""

from __future__ import annotations

import matplotlib as mpl
from matplotlib.patches import FancyBboxPatch, Polygon

from deployworkbook.plots.picture import COLOURS, Picture, styled

STAGES = ("Training", "Optimisation", "Deployment", "Monitoring")

# What is paid for in each stage, by kind of cost.
COSTS = {
    "Compute": (
        "epochs × images\nuntil it is good",
        "retraining, search\nfor a smaller model",
        "every prediction,\nday and night",
        "metrics,\ndrift tests",
    ),
    "Storage": (
        "data sets,\ncheckpoints",
        "every variant\nof the model",
        "versions that can\nbe rolled back to",
        "logs, samples\nof requests",
    ),
    "Network": (
        "moving the data\nto the machine",
        "moving variants\nto be tried",
        "requests, answers,\nroll-outs to devices",
        "metrics and logs\nfrom each replica",
    ),
    "Maintenance": (
        "labels, tuning,\npeople's hours",
        "checking that it\nis still accurate",
        "upgrades, scaling,\nbeing on call",
        "alerts, retraining\nwhen data drift",
    ),
}


@styled
def life_cycle_picture() -> Picture:
    """Draw the stages as arrows, with their costs below."""
    table = ". ".join(
        f"{stage}: "
        + ", ".join(f"{kind.lower()} ({COSTS[kind][i].replace(chr(10), ' ')})" for kind in COSTS)
        for i, stage in enumerate(STAGES)
    )
    picture = Picture(10, 5, alt=f"The four stages of a deployment and their costs. {table}.")
    axes = picture.subplots()
    axes.set(xlim=(-0.62, len(STAGES)), ylim=(len(COSTS) + 0.02, -0.75))
    axes.axis("off")
    for column, stage in enumerate(STAGES):
        _arrow(axes, column)
        axes.text(column + 0.5, -0.37, stage, ha="center", va="center", color="white", fontsize=13)
    for row, (kind, cells) in enumerate(COSTS.items()):
        colour = COLOURS[1 + row]
        axes.text(-0.05, row + 0.5, kind, ha="right", va="center", fontsize=12, weight="bold")
        for column, text in enumerate(cells):
            box = FancyBboxPatch(
                (column + 0.05, row + 0.1),
                0.9,
                0.8,
                boxstyle="round,pad=0,rounding_size=0.06",
                facecolor=(colour, 0.12),
                edgecolor=colour,
            )
            axes.add_patch(box)
            axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=11)
    return picture


def _arrow(axes: mpl.axes.Axes, column: int) -> None:
    left, right, top, bottom, notch = column + 0.03, column + 0.94, -0.67, -0.07, 0.08
    middle = (top + bottom) / 2
    corners = [
        (left, top),
        (right - notch, top),
        (right + notch * 0.6, middle),
        (right - notch, bottom),
        (left, bottom),
        (left + notch, middle),
    ]
    axes.add_patch(Polygon(corners, facecolor="#333333", edgecolor="none"))
