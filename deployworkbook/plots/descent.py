"""A descent path on its loss surface, and its loss by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from deployworkbook.plots.descent_curve import GROWN, LOWEST, DescentCurve
from deployworkbook.plots.picture import COLOURS, STYLE, Picture
from deployworkbook.plots.view import Row, View

# Points of a path are drawn in their direction, at most this many frame sizes away.
FARTHEST = 100.0


@dataclass(frozen=True, eq=False)
class DescentResult:
    """The data of a descent plot.

    Args:
        surface: Name of the surface.
        parameters: Names of both parameters.
        rule: Name of the rule.
        limits: Lower and upper ends of both parameters, shape ``[2, 2]``.
        heights: Loss above the lowest on a grid, shape ``[rows, columns]``.
        minimum: Lowest point, if there is one.
        path: Starting point and the point after each step, shape ``[steps + 1, 2]``.
        losses: Loss at each point of the path.
        lowest: Lowest loss, which is subtracted from the others.
        diverged: Whether the path exceeded float64.
        limit: Learning rate from which the rule diverges, if known.
        condition_number: Largest curvature divided by the smallest, if both are the same everywhere
            and above 0.
        batch_size: Number of examples per gradient; ``None`` for all.
    """

    surface: str
    parameters: tuple[str, str]
    rule: str
    limits: NDArray[np.float64]
    heights: NDArray[np.float64]
    minimum: NDArray[np.float64] | None
    path: NDArray[np.float64]
    losses: NDArray[np.float64]
    lowest: float
    diverged: bool
    limit: float | None
    condition_number: float | None
    batch_size: int | None

    @property
    def excess(self) -> NDArray[np.float64]:
        """Each loss above the lowest."""
        return self.losses - self.lowest

    @property
    def grows(self) -> bool:
        """Whether the loss ended far above where it began."""
        return self.diverged or bool(self.excess[-1] > GROWN * max(self.excess[0], LOWEST))


class _Shades(AxesImage):
    """An image that is recomputed only when its data have changed."""

    _made: Any = None

    def make_image(self, *arguments: Any, **settings: Any) -> Any:
        if self.stale or self._made is None:
            self._made = super().make_image(*arguments, **settings)
        return self._made


class DescentView(View[DescentResult]):
    """The surface in bands of equal loss with the path on it, and the loss after each step.

    Args:
        most_steps: Right end of the step axis.
    """

    def __init__(self, most_steps: int) -> None:
        with mpl.rc_context(STYLE | {"axes.grid": False}):
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
            (self._path,) = surface.plot([], [], "o-", color=COLOURS[2], ms=3.5, lw=1.5)
            (self._start,) = surface.plot([], [], "s", color=COLOURS[0], ms=9, mfc="white")
            (self._minimum,) = surface.plot([], [], "*", color=COLOURS[0], ms=14, mfc="white")
            self._curve = DescentCurve(curve, most_steps)
        self.moving = [
            self._shades,
            self._path,
            self._start,
            self._minimum,
            *self._curve.moving,
        ]
        self._shaded: object = None
        self._title = ""

    def update(self, result: DescentResult) -> bool:
        """Move the path and the curve; shade the surface by the logarithm of its height."""
        (left, right), (bottom, top) = result.limits
        if result.heights is not self._shaded:
            self._shaded = result.heights
            levels = np.log10(np.maximum(result.heights, 1e-3))
            self._shades.set_data(levels)
            self._shades.set_clim(levels.min(), levels.max())
            self._shades.set_extent((left, right, bottom, top))
        # Points far outside the frame would overflow the renderer, so move them closer.
        centre, half = result.limits.mean(axis=1), np.ptp(result.limits, axis=1) / 2
        away = result.path - centre
        far = np.abs(away / half).max(axis=1, keepdims=True)
        self._path.set_data(*(centre + away / np.maximum(far / FARTHEST, 1.0)).T)
        self._start.set_data(*result.path[:1].T)
        self._minimum.set_data([], [])
        if result.minimum is not None:
            self._minimum.set_data(*result.minimum[:, None])
        verdict = self._verdict_of(result)
        self._curve.show(result.excess, diverges=result.grows, word=verdict)
        if result.surface == self._title:
            return False
        self._title = result.surface
        self._axes.set(xlim=(left, right), ylim=(bottom, top), title=result.surface)
        self._axes.set(xlabel=result.parameters[0], ylabel=result.parameters[1])
        return True

    def describe(self, result: DescentResult) -> str:
        """Describe where the path ended."""
        start, end = result.excess[0], result.excess[-1]
        last = ", ".join(f"{value:.3g}" for value in result.path[-1])
        batches = f" on batches of {result.batch_size}" if result.batch_size else ""
        text = (
            f"{result.surface}: in {len(result.losses) - 1} steps of {result.rule}{batches} the "
            f"loss above the lowest goes from {start:.3g} to {end:.3g}; the path ends at ({last})."
        )
        return f"{text} {self._verdict_of(result)}".strip()

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
        if result.diverged:
            return f"Diverged: beyond float64 after {len(result.losses) - 1} steps."
        if result.grows:
            return "Diverging: the loss grows."
        if result.excess[-1] < 0:
            return "Below all losses in view: this loss has no minimum."
        return ""
