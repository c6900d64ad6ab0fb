"""Costs of several variants, relative to the first one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.ticker import PercentFormatter

from deployworkbook.plots.picture import COLOURS, STYLE, Picture

HATCHES = ("", "//", "..", "xx")


def relative_bars(variants: Sequence[str], costs: Mapping[str, Sequence[float]]) -> Picture:
    """Draw each variant's costs as bars; the first variant is 100 %.

    Args:
        variants: Names of the variants.
        costs: One number above 0 per variant, lower is better, by the name of the cost.
    """
    parts = []
    with mpl.rc_context(STYLE):
        picture = Picture(8.5, 0.8 + 0.8 * len(variants))
        axes = picture.subplots()
        height = 0.8 / len(costs)
        places = np.arange(len(variants))
        for index, (name, values) in enumerate(costs.items()):
            shares = np.asarray(values) / values[0]
            bars = axes.barh(
                places + index * height,
                shares,
                height * 0.9,
                label=name,
                color=COLOURS[1 + index],
                hatch=HATCHES[index % len(HATCHES)],
                edgecolor="white",
            )
            axes.bar_label(bars, [f"{share:.0%}" for share in shares], padding=3, fontsize=10)
            parts.append((name, shares))
        axes.set_yticks(places + height * (len(costs) - 1) / 2, variants)
        axes.invert_yaxis()
        axes.grid(False, axis="y")
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set_xlim(right=1.12 * max(shares.max() for _, shares in parts))
        picture.legend(loc="outside right upper")
        said = [
            f"{variant}: " + ", ".join(f"{name} {shares[place]:.0%}" for name, shares in parts)
            for place, variant in enumerate(variants)
        ]
        picture.alt = f"Costs of variants, the first being 100 %. {'; '.join(said)}."
    return picture
