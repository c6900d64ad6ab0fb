"""One weight moves: how far a two-class prediction moves, and the parabola that predicts it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployworkbook.plots.picture import COLOURS, Picture, styled
from deployworkbook.plots.view import Row, View, set_heights

# The curves leave the picture here, so that what happens near 0 can be seen.
HIGHEST_NATS = 2.0


@dataclass(frozen=True, eq=False)
class DivergenceResult:
    """The data of a divergence plot.

    Args:
        weight: w, the only weight.
        pixel: x, the only input, in 0 … 1.
        move: Δ, by how much the weight moves.
        before: Probabilities of both classes with w.
        after: Probabilities of both classes with w + Δ.
        information: Fisher information of the weight.
        divergence: KL divergence of ``after`` from ``before``, in nats.
        moves: Moves of the curve.
        divergences: KL divergence at each of them, in nats.
    """

    weight: float
    pixel: float
    move: float
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    information: float
    divergence: float
    moves: NDArray[np.float64]
    divergences: NDArray[np.float64]

    def parabola(self, move: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Return ½ I Δ² in nats."""
        return np.asarray(0.5 * self.information * np.square(move))


class DivergenceView(View[DivergenceResult]):
    """Both predictions as bars; the divergence and its parabola by the move.

    Args:
        farthest: Largest move, either way.
    """

    @styled
    def __init__(self, farthest: float) -> None:
        super().__init__(Picture(10, 3.6))
        chances, curves = self.picture.subplots(1, 2, width_ratios=[1, 2])
        places = np.arange(2)
        chances.set(title="The prediction", ylim=(0, 1.02), xlim=(-0.6, 1.6))
        chances.set_xticks(places, ["first class", "second class"])
        self._before = self.bars(chances, places - 0.2, 0.38, color=COLOURS[6], label="with w")
        self._after = self.bars(
            chances, places + 0.2, 0.38, color=COLOURS[2], hatch="//", label="with w + Δ"
        )
        chances.legend(loc="upper right")
        curves.set(title=f"How far it moves, in nats (up to {HIGHEST_NATS:g})")
        curves.set(xlabel="Δ, the move of the weight", xlim=(-farthest, farthest))
        curves.set(ylim=(-0.04, HIGHEST_NATS))
        self._curve = self.line(curves, color=COLOURS[1], lw=2.5, label="KL divergence")
        self._parabola = self.line(curves, "--", color=COLOURS[2], lw=2, label="parabola ½ I Δ²")
        self._removed = self.line(
            curves, ":", color=COLOURS[0], lw=1.5, label="Δ = -w: weight removed"
        )
        self._here = self.line(curves, "o", color=COLOURS[1], ms=10)
        self._there = self.line(curves, "s", color=COLOURS[2], ms=8)
        curves.legend(loc="upper center")

    def update(self, result: DivergenceResult) -> bool:
        """Move bars, curves and points."""
        set_heights(self._before, result.before)
        set_heights(self._after, result.after)
        self._curve.set_data(result.moves, result.divergences)
        self._parabola.set_data(result.moves, result.parabola(result.moves))
        self._removed.set_data([-result.weight] * 2, [0, HIGHEST_NATS])
        for point, height in (
            (self._here, result.divergence),
            (self._there, float(result.parabola(result.move))),
        ):
            point.set_data([result.move], [min(height, HIGHEST_NATS)])
        return False

    def describe(self, result: DivergenceResult) -> str:
        """Describe the move, the divergence, and the parabola's prediction of it."""
        return (
            f"The weight {result.weight:g} moves by {result.move:g}, at a pixel of "
            f"{result.pixel:g}. The first class goes from {result.before[0]:.1%} to "
            f"{result.after[0]:.1%}: a KL divergence of {result.divergence:.3f} nats, where the "
            f"parabola says {float(result.parabola(result.move)):.3f}."
        )

    def table(self, result: DivergenceResult) -> list[Row]:
        """List the first class's probability, the information, the divergence and the parabola."""
        return [
            ("first class", f"{result.before[0]:.3f} before, {result.after[0]:.3f} after"),
            ("Fisher information I", f"{result.information:.4f}"),
            ("KL divergence", f"{result.divergence:.4f} nats"),
            ("parabola ½ I Δ²", f"{float(result.parabola(result.move)):.4f} nats"),
        ]
