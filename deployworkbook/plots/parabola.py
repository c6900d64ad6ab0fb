"""Gradient descent in one dimension: steps on a parabola, and the distance that they leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from deployworkbook.plots.descent import label_clamped_axis
from deployworkbook.plots.picture import COLOURS, Picture, styled
from deployworkbook.plots.view import Row, View

# Ends of the parabola's axis; a path that leaves them is drawn up to there.
REACH = 8.0
# Ends of the logarithmic axis of distances, to which distances beyond it are clamped.
NEAREST, FARTHEST = 1e-6, 1e6


@dataclass(frozen=True, eq=False)
class ParabolaResult:
    """The data of a descent on a parabola.

    Args:
        curvature: c of the loss ½ c θ².
        learning_rate: η.
        path: θ at the start and after each step.
    """

    curvature: float
    learning_rate: float
    path: NDArray[np.float64]

    @property
    def factor(self) -> float:
        """What each step multiplies θ by."""
        return 1.0 - self.learning_rate * self.curvature


@styled
def parabola_paths(paths: Mapping[float, ArrayLike], *, curvature: float = 2.0) -> Picture:
    """Draw paths on the loss ½ c θ² side by side, one per learning rate.

    Args:
        paths: θ at the start and after each step, by the learning rate.
        curvature: c, above 0.
    """
    picture = Picture(3.3 * len(paths), 3.6)
    row: Sequence[Axes] = np.atleast_1d(picture.subplots(1, len(paths), sharey=True)).tolist()
    parts = []
    for axes, (rate, points) in zip(row, paths.items(), strict=True):
        path = np.asarray(points, float)
        _draw_parabola(axes, curvature)
        axes.plot(path, _height(path, curvature), "o-", color=COLOURS[2], lw=1.5, ms=5)
        axes.plot(path[:1], _height(path[:1], curvature), "s", color=COLOURS[0], ms=9, mfc="white")
        axes.set(title=f"η = {rate:g}", ylabel="loss")
        axes.tick_params(labelleft=True)  # a narrow screen shows them below each other
        listed = ", ".join(f"{value:.3g}" for value in path)
        parts.append(f"with η = {rate:g} it visits θ = {listed}")
    picture.alt = (
        f"Steps of gradient descent on a parabola of curvature {curvature:g}: {'; '.join(parts)}."
    )
    return picture


class ParabolaView(View[ParabolaResult]):
    """The steps on the parabola, and the distance from the bottom after each of them.

    Args:
        most_steps: Right end of the step axis.
    """

    @styled
    def __init__(self, most_steps: int) -> None:
        super().__init__(Picture(9.5, 3.9))
        bowl, distance = self.picture.subplots(1, 2)
        places = np.linspace(-REACH, REACH, 161)
        self._places = places
        bowl.set(xlim=(-REACH, REACH), ylim=(-4, 68), xlabel="θ", ylabel="loss", title="Steps")
        self._bowl = self.line(bowl, color=COLOURS[1], lw=2)
        self._path = self.line(bowl, "o-", color=COLOURS[2], lw=1.5, ms=5)
        self._start = self.line(bowl, "s", color=COLOURS[0], ms=9, mfc="white")
        distance.set(title="Distance from the bottom", xlabel="step", xlim=(0, most_steps))
        distance.xaxis.set_major_locator(MaxNLocator(integer=True))
        label_clamped_axis(distance, NEAREST, FARTHEST)
        self._distance = self.line(distance, "o-", color=COLOURS[2], lw=1.5, ms=4)

    def update(self, result: ParabolaResult) -> bool:
        """Move the parabola, the path and the distances."""
        self._bowl.set_data(self._places, _height(self._places, result.curvature))
        # Points far outside the frame would overflow the renderer.
        path = np.clip(result.path, -10 * REACH, 10 * REACH)
        self._path.set_data(path, _height(path, result.curvature))
        self._start.set_data(path[:1], _height(path[:1], result.curvature))
        distances = np.clip(np.abs(result.path), NEAREST, FARTHEST)
        self._distance.set_data(np.arange(len(distances)), distances)
        return False

    def describe(self, result: ParabolaResult) -> str:
        """Describe where the path leads."""
        first = ", ".join(f"{value:.3g}" for value in result.path[:4])
        return (
            f"Gradient descent with η = {result.learning_rate:g} on a parabola of curvature "
            f"{result.curvature:g} goes from θ = {first} on; after {len(result.path) - 1} steps "
            f"it is at {result.path[-1]:.3g}. {self._verdict_of(result)}"
        )

    def table(self, result: ParabolaResult) -> list[Row]:
        """List what a step does, and where the path ends."""
        return [
            ("a step multiplies θ by", f"{result.factor:.3g}"),
            ("θ after the first step", f"{result.path[1]:.4g}"),
            ("θ after the last step", f"{result.path[-1]:.4g}"),
            ("the path", self._verdict_of(result)),
        ]

    @staticmethod
    def _verdict_of(result: ParabolaResult) -> str:
        size = abs(result.factor)
        if np.isclose(size, 0.0, atol=1e-9):
            return "reaches the bottom in one step"
        if np.isclose(size, 1.0, rtol=1e-9):
            return "bounces for ever"
        if size > 1:
            return "diverges: every bounce is higher"
        return "overshoots, and comes closer" if result.factor < 0 else "comes closer"


def _height(places: NDArray[np.float64], curvature: float) -> NDArray[np.float64]:
    return 0.5 * curvature * places**2


def _draw_parabola(axes: Axes, curvature: float) -> None:
    places = np.linspace(-REACH, REACH, 161)
    axes.plot(places, _height(places, curvature), color=COLOURS[1], lw=2)
    axes.set(xlim=(-REACH, REACH), ylim=(-4, 68), xlabel="θ", xticks=[-8, -4, 0, 4, 8])
