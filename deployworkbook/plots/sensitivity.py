"""Which layers tolerate rounding: the accuracy lost by the bit width of one layer's weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl

from deployworkbook.plots.picture import COLOURS, STYLE, Picture

if TYPE_CHECKING:
    from deployworkbook.compression.sensitivity import Sensitivity


def sensitivity_picture(scan: Sensitivity) -> Picture:
    """Draw a line per layer: the accuracy that the model loses with that layer alone rounded.

    Args:
        scan: Result of ``deployworkbook.compression.sensitivity.scan_sensitivity``.
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
            lost = 100.0 * (scan.unrounded - row)
            marker = "osD^v<>"[index % 7]
            axes.plot(scan.bits, lost, f"{marker}-", label=f"{layer}, {weights:,} weights alone")
        axes.axhline(0, color=COLOURS[0], ls=":", label="none rounded")
        # Linear near 0, for the small losses at many bits, and logarithmic above, for two bits.
        axes.set_yscale("symlog", linthresh=1.0)
        axes.set_ylim(top=100)
        axes.yaxis.set_major_formatter("{x:g}")
        axes.set(xlabel="bits per weight", xticks=scan.bits, ylabel="points of accuracy lost")
        axes.set_title(f"One layer rounded at a time (simulated, {scan.examples:,} images)")
        axes.legend(loc="upper right")
    return picture
