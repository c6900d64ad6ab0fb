"""A descent path on its loss surface, and its loss by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from deployworkbook.plots.picture import COLOURS, Picture, styled_without_grid
from deployworkbook.plots.view import Row, View

if TYPE_CHECKING:
    from deployworkbook.formulas.surfaces import Surface
    from deployworkbook.formulas.trajectories import Trajectory

# Ends of the logarithmic loss axis; losses beyond them are clamped to them.
LOWEST, HIGHEST = 1e-12, 1e6

# A loss above the lowest that ends this many times higher than it began has diverged.
GROWN = 10.0

# Points of a path are drawn in their direction, at most this many frame sizes away.
FARTHEST = 100.0


@dataclass(frozen=True, eq=False)
class DescentResult:
    """The data of a descent plot.

    Args:
        surface: Surface with two parameters.
        parameters: Names of both parameters.
        rule: Name of the rule.
        heights: Loss above the lowest on a grid, shape ``[rows, columns]``.
        lowest: Lowest loss, which is subtracted from the others.
        walk: Path and its losses.
        limit: Learning rate from which the rule diverges, if known.
        condition_number: Largest curvature divided by the smallest, if both are the same everywhere
            and above 0.
        batch_size: Number of examples per gradient; ``None`` for all.
    """

    surface: Surface
    parameters: tuple[str, str]
    rule: str
    heights: NDArray[np.float64]
    lowest: float
    walk: Trajectory
    limit: float | None
    condition_number: float | None
    batch_size: int | None

    @property
    def excess(self) -> NDArray[np.float64]:
        """Each loss above the lowest."""
        return self.walk.losses - self.lowest

    @property
    def grows(self) -> bool:
        """Whether the loss ended far above where it began."""
        return self.walk.diverged or bool(self.excess[-1] > GROWN * max(self.excess[0], LOWEST))


class _Shades(AxesImage):
    """An image that is recomputed only when its data have changed."""

    _made: Any = None

    def make_image(self, *arguments: Any, **settings: Any) -> Any:
        if self.stale or self._made is None:
            self._made = super().make_image(*arguments, **settings)
        return self._made


def label_clamped_axis(axes: Axes, lowest: float, highest: float) -> None:
    """Make the vertical axis logarithmic, with ends that stand for all numbers beyond them.

    Its lowest and highest ticks say "≤" and "≥", and there is room for marks on them.

    Args:
        axes: Axes whose curves are clamped to the ends.
        lowest: Power of ten.
        highest: Power of ten.
    """
    first, last = round(np.log10(lowest)), round(np.log10(highest))
    powers = range(first, last + 1, 3)
    labels = [f"$10^{{{power}}}$" for power in powers]
    labels[0], labels[-1] = f"≤ {labels[0]}", f"≥ {labels[-1]}"
    axes.set(yscale="log", ylim=(lowest / 10, 10 * highest))
    axes.set_yticks([10.0**power for power in powers], labels)
    axes.yaxis.set_minor_locator(NullLocator())
    axes.grid(visible=True)


def set_loss_axis(axes: Axes) -> None:
    """Set up the vertical axis for losses, which are clamped to its ends."""
    label_clamped_axis(axes, LOWEST, HIGHEST)


def clipped(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Clamp losses beyond the axis, including infinite ones, to its ends."""
    return np.clip(losses, LOWEST, HIGHEST)


def clamped_note(losses: NDArray[np.float64]) -> str:
    """Say that losses are drawn at the axis's upper end, if any are.

    >>> clamped_note(np.array([1.0, 1e9]))
    'Losses above 1e+06 are drawn at 1e+06.'
    """
    is_clamped = bool((losses > HIGHEST).any())
    return f"Losses above {HIGHEST:.0e} are drawn at {HIGHEST:.0e}." if is_clamped else ""


class DescentCurve:
    """A line of losses with a cross at its end if it diverges, and a remark.

    Args:
        view: View that moves them.
        axes: Axes to draw on.
        most_steps: Right end of the step axis.
        label: Label of the line in a legend.
    """

    def __init__(self, view: View[Any], axes: Axes, most_steps: int, *, label: str = "") -> None:
        axes.set(title="Loss above the lowest", xlabel="step", xlim=(0, most_steps))
        set_loss_axis(axes)
        self._line = view.line(axes, color=COLOURS[1], lw=2, label=label)
        self._end = view.line(axes, "X", color=COLOURS[2], ms=11)
        box = {"boxstyle": "round", "facecolor": "white", "edgecolor": COLOURS[2]}
        self._word = axes.text(
            0.5, 0.88, "", transform=axes.transAxes, ha="center", va="top", bbox=box
        )
        view.moving.append(self._word)

    def show(self, losses: NDArray[np.float64], *, diverges: bool, word: str) -> None:
        """Draw losses above the lowest, from the start.

        Args:
            losses: Loss at the start and after each step.
            diverges: Whether to mark their end with a cross.
            word: Remark about them; may be empty.
        """
        last = [len(losses) - 1] if diverges else []
        self._line.set_data(np.arange(len(losses)), clipped(losses))
        self._end.set_data(last, clipped(losses[last]))
        self._word.set_text(word)
        self._word.set_visible(bool(word))


class DescentView(View[DescentResult]):
    """The surface in bands of equal loss with the path on it, and the loss after each step.

    Args:
        most_steps: Right end of the step axis.
    """

    @styled_without_grid
    def __init__(self, most_steps: int) -> None:
        super().__init__(Picture(10, 4.2))
        surface, curve = self.picture.subplots(1, 2)
        self.picture.set_layout_engine("constrained", wspace=0.04)
        self._axes = surface
        surface.set(xlabel="w₁", ylabel="w₂", title="Surface")
        bands = mpl.colormaps["YlGnBu_r"].resampled(12)
        self._shades = _Shades(
            surface,
            cmap=bands,
            origin="lower",
            interpolation="bilinear",
            interpolation_stage="data",
        )
        surface.add_image(self._shades)
        # Labels of equal width, so that none is cut off on another surface.
        surface.yaxis.set_major_formatter("{x:4.1f}")
        self._path = self.line(surface, "o-", color=COLOURS[2], ms=3.5, lw=1.5)
        self._start = self.line(surface, "s", color=COLOURS[0], ms=9, mfc="white")
        self._minimum = self.line(surface, "*", color=COLOURS[0], ms=14, mfc="white")
        self._curve = DescentCurve(self, curve, most_steps)
        self.moving.append(self._shades)
        self._shaded: object = None

    def update(self, result: DescentResult) -> bool:
        """Move the path and the curve; shade the surface by the logarithm of its height."""
        limits, minimum = result.surface.limits, result.surface.minimum
        (left, right), (bottom, top) = limits
        if result.heights is not self._shaded:
            self._shaded = result.heights
            levels = np.log10(np.maximum(result.heights, 1e-3))
            self._shades.set_data(levels)
            self._shades.set_clim(levels.min(), levels.max())
            self._shades.set_extent((left, right, bottom, top))
        # Points far outside the frame would overflow the renderer, so move them closer.
        centre, half = limits.mean(axis=1), np.ptp(limits, axis=1) / 2
        away = result.walk.path - centre
        far = np.abs(away / half).max(axis=1, keepdims=True)
        self._path.set_data(*(centre + away / np.maximum(far / FARTHEST, 1.0)).T)
        self._start.set_data(*result.walk.path[:1].T)
        self._minimum.set_data(*(np.empty((2, 0)) if minimum is None else minimum[:, None]))
        verdict = self._verdict_of(result)
        self._curve.show(result.excess, diverges=result.grows, word=verdict)
        if result.surface.name == self._axes.get_title():
            return False
        self._axes.set(xlim=(left, right), ylim=(bottom, top), title=result.surface.name)
        self._axes.set(xlabel=result.parameters[0], ylabel=result.parameters[1])
        return True

    def describe(self, result: DescentResult) -> str:
        """Describe where the path ended."""
        start, end = result.excess[0], result.excess[-1]
        last = ", ".join(f"{value:.3g}" for value in result.walk.path[-1])
        batches = f" on batches of {result.batch_size}" if result.batch_size else ""
        text = (
            f"{result.surface.name}: in {len(result.excess) - 1} steps of {result.rule}{batches} "
            f"the loss above the lowest goes from {start:.3g} to {end:.3g}; the path ends at "
            f"({last})."
        )
        parts = (text, self._verdict_of(result), clamped_note(result.excess))
        return " ".join(part for part in parts if part)

    def table(self, result: DescentResult) -> list[Row]:
        """List the losses, the steps to a thousandth, and the rate from which the rule diverges."""
        small = np.flatnonzero(result.excess <= result.excess[0] / 1000)
        condition, limit = result.condition_number, result.limit
        # Always the same number of rows, so that the content below doesn't move.
        return [
            ("loss above the lowest, first", f"{result.excess[0]:.4g}"),
            ("loss above the lowest, last", f"{result.excess[-1]:.4g}"),
            ("steps to a thousandth", f"{small[0]}" if len(small) else "not reached"),
            ("condition number", f"{condition:.4g}" if condition else "not a bowl"),
            (f"{result.rule} diverges from a rate of", f"{limit:.4g}" if limit else "none known"),
        ]

    @staticmethod
    def _verdict_of(result: DescentResult) -> str:
        if result.walk.diverged:
            return f"Diverged: beyond float64 after {len(result.excess) - 1} steps."
        if result.grows:
            return "Diverging: the loss grows."
        if result.excess[-1] < 0:
            return "Below all losses in view: this loss has no minimum."
        return ""
