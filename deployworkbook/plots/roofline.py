"""A machine's roofline with measured computations on it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.ticker import FuncFormatter

from deployworkbook.plots.picture import COLOURS, MARKERS, Picture, styled

PLAIN = FuncFormatter(lambda value, _: f"{value:,g}")
GIGA = 1e9
KERNEL_STYLES = ("--", "-.", ":")


@styled
def roofline_picture(
    points: Mapping[str, tuple[float, float]],
    *,
    operations_per_s: float,
    bytes_per_s: float,
    kernels: Mapping[str, tuple[float, float]] | None = None,
) -> Picture:
    """Draw what a machine can do by operations per byte, and what computations reached of it.

    The roof is min(P, β · operations per byte): left of the ridge, at P / β, memory is the limit,
    right of it arithmetic.

    Args:
        points: Measured computations by name: operations per byte moved, and operations per
            second, both above 0; at least one.
        operations_per_s: P, the machine's peak, measured or published.
        bytes_per_s: β, the bandwidth of its memory, likewise.
        kernels: What single kernels reach, by name: their own P and β. They read and compute by
            turns, so that their curves have no corner: 1 / (1 / P + 1 / (β · operations per byte)).
    """
    ridge = operations_per_s / bytes_per_s
    intensities = np.array([x for x, _ in points.values()] + [ridge])
    rates = np.array([y for _, y in points.values()] + [operations_per_s])
    left, right = intensities.min() / 3, intensities.max() * 10
    picture = Picture(8, 4.4)
    axes = picture.subplots()
    x = np.array([left, ridge, right])
    axes.plot(x, np.minimum(operations_per_s, x * bytes_per_s) / GIGA, color=COLOURS[0], lw=2)
    along = np.geomspace(left, right, 200)
    for index, (name, (peak, bandwidth)) in enumerate((kernels or {}).items()):
        curve = 1 / (1 / peak + 1 / (along * bandwidth)) / GIGA
        style = KERNEL_STYLES[index % len(KERNEL_STYLES)]
        axes.plot(along, curve, style, color="0.45", lw=1.4, label=f"what {name} can reach")
    axes.axvline(ridge, color="0.55", ls=":", lw=1.4)
    axes.set(xscale="log", yscale="log", xlim=(left, right))
    axes.set_ylim(min(rates.min(), left * bytes_per_s) / GIGA / 2, rates.max() / GIGA * 3)
    axes.set(xlabel="operations per byte", ylabel="10⁹ operations per second")
    axes.set_title("Left of the dotted line memory is the limit, right of it arithmetic")
    said = []
    for index, (name, (intensity, rate)) in enumerate(points.items()):
        roof = min(operations_per_s, intensity * bytes_per_s)
        limit = "memory" if intensity < ridge else "arithmetic"
        said.append(f"{name}: {rate / roof:.0%} of what {limit} allows")
        axes.plot(
            intensity,
            rate / GIGA,
            MARKERS[index % len(MARKERS)],
            color=COLOURS[1:][index % len(COLOURS[1:])],
            ms=9,
            label=f"{name} ({rate / roof:.0%})",
        )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PLAIN)
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), title="share of the roof")
    picture.alt = (
        f"Roofline: {operations_per_s / GIGA:,.3g} · 10⁹ operations and "
        f"{bytes_per_s / GIGA:,.3g} GB per second, ridge at {ridge:,.3g} operations per byte. "
        f"{'; '.join(said)}."
        + "".join(
            f" The kernel of {name} reaches {peak / GIGA:,.3g} · 10⁹ operations and "
            f"{bandwidth / GIGA:,.3g} GB per second."
            for name, (peak, bandwidth) in (kernels or {}).items()
        )
    )
    return picture
