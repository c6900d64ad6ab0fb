"""Which layers bear rounding: the accuracy by the width of one layer's weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.ticker import PercentFormatter

from deployworkbook.plots.picture import COLOURS, STYLE, Picture

if TYPE_CHECKING:
    from deployworkbook.compression.sensitivity import Sensitivity


def sensitivity_picture(scan: Sensitivity) -> Picture:
    """Draw a line for each layer: the whole model's accuracy, with that layer alone rounded.

    Args:
        scan: As :func:`deployworkbook.compression.sensitivity.scan_sensitivity` returns it.
    """
    parts = [
        f"{layer} alone: "
        + ", ".join(
            f"{accuracy:.1%} at {bits} bits" for bits, accuracy in zip(scan.bits, row, strict=True)
        )
        for layer, row in zip(scan.layers, scan.accuracy, strict=True)
    ]
    alt = (
        f"Validation accuracy with one layer rounded, simulated; {scan.unrounded:.1%} with none. "
        f"{'; '.join(parts)}."
    )
    with mpl.rc_context(STYLE):
        picture = Picture(7, 3.6, alt=alt)
        axes = picture.subplots()
        for index, (layer, weights, row) in enumerate(
            zip(scan.layers, scan.weights, scan.accuracy, strict=True)
        ):
            marker = "osD^v<>"[index % 7]
            axes.plot(scan.bits, row, f"{marker}-", label=f"{layer}, {weights:,} weights alone")
        axes.axhline(scan.unrounded, color=COLOURS[0], ls=":", label="none rounded")
        axes.set(xlabel="bits of a weight", xticks=scan.bits, ylabel="validation accuracy")
        axes.set_title(f"One layer rounded at a time (simulated, {scan.examples:,} images)")
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.legend(loc="lower right")
    return picture
