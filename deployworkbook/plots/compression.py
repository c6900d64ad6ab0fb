"""Pictures of compression: rounding, pruning, distillation, and the costs of variants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FuncFormatter, PercentFormatter, ScalarFormatter
from numpy.typing import ArrayLike

from deployworkbook.plots.picture import (
    COLOURS,
    LINES,
    MARKERS,
    Picture,
    styled,
    styled_without_grid,
)

if TYPE_CHECKING:
    from deployworkbook.compression.sensitivity import Sensitivity
    from deployworkbook.compression.students import StudentComparison

HATCHES = ("", "//", "..", "xx")
SIDE_PIXELS = 28


@styled
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
    picture = Picture(7, 3.6, alt=alt)
    axes = picture.subplots()
    for index, (layer, weights, row) in enumerate(
        zip(scan.layers, scan.weights, scan.accuracy, strict=True)
    ):
        lost = 100.0 * (scan.unrounded - row)
        axes.plot(
            scan.bits,
            lost,
            MARKERS[index % len(MARKERS)] + "-",
            label=f"{layer}, {weights:,} weights alone",
        )
    axes.axhline(0, color=COLOURS[0], ls=":", label="none rounded")
    # Linear near 0, for the small losses at many bits, and logarithmic above, for two bits.
    axes.set_yscale("symlog", linthresh=1.0)
    axes.set_ylim(top=100)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set(xlabel="bits per weight", xticks=scan.bits, ylabel="points of accuracy lost")
    axes.set_title(f"One layer rounded at a time (simulated, {scan.examples:,} images)")
    axes.legend(loc="upper right")
    return picture


@styled
def sparsity_schedules(steps: Sequence[float], schedules: Mapping[str, Sequence[float]]) -> Picture:
    """Draw the fraction of pruned weights at each step.

    Args:
        steps: Training steps.
        schedules: Sparsity at each step, by the schedule's name.
    """
    parts = []
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


@styled
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


@styled_without_grid
def pixel_maps_picture(maps: Mapping[str, ArrayLike]) -> Picture:
    """Draw one value per pixel, as images side by side, each with its own scale.

    Args:
        maps: 784 values of at least 0, by the image's title.
    """
    parts = []
    picture = Picture(3.4 * len(maps), 3.2)
    row = np.atleast_1d(picture.subplots(1, len(maps)))
    for axes, (title, values) in zip(row, maps.items(), strict=True):
        image = np.reshape(values, (SIDE_PIXELS, SIDE_PIXELS))
        drawn = axes.imshow(image, cmap="cividis", vmin=0)
        axes.set(xticks=[], yticks=[], title=title)
        axes.spines[:].set_visible(False)
        # Long labels on one colour bar would push the next image away.
        decimals = ScalarFormatter()
        decimals.set_powerlimits((-2, 3))
        bar = picture.colorbar(drawn, ax=axes, shrink=0.75, format=decimals)
        bar.outline.set_edgecolor(COLOURS[0])
        middle = image[7:21, 7:21].mean()
        border = (image.sum() - image[7:21, 7:21].sum()) / (image.size - 14**2)
        parts.append(
            f"{title.replace(chr(10), ' ')}: {middle:.3g} on average in the middle, "
            f"{border:.3g} around it"
        )
    picture.alt = f"Maps of the 28 by 28 pixels. {'; '.join(parts)}."
    return picture


@styled
def relative_bars(variants: Sequence[str], costs: Mapping[str, Sequence[float]]) -> Picture:
    """Draw each variant's costs as bars; the first variant is 100 %.

    Args:
        variants: Names of the variants.
        costs: One number above 0 per variant, lower is better, by the name of the cost.
    """
    parts = []
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
        axes.bar_label(bars, [f"{share:.0%}" for share in shares], padding=3, fontsize=11)
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


@styled
def gradient_norms(temperatures: Sequence[float], norms: Mapping[str, Sequence[float]]) -> Picture:
    """Draw the length of gradients by temperature, both on logarithmic axes.

    Args:
        temperatures: T, in ascending order.
        norms: Length of the gradient at each temperature, above 0, by the name of the loss.
    """
    parts = []
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


@styled
def students_picture(comparisons: Mapping[str, StudentComparison]) -> Picture:
    """Draw each student's accuracy, and the gain from distillation with its 95 % interval.

    Args:
        comparisons: Comparisons by the students' name.
    """
    rng, parts = np.random.default_rng(0), []
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
