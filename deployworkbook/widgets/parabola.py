"""The parabola explorer: how far a step of gradient descent goes in one dimension."""

from __future__ import annotations

from functools import partial

import numpy as np

from deployworkbook.formulas.descent import gradient_descent
from deployworkbook.formulas.trajectories import trajectory
from deployworkbook.plots.parabola import ParabolaResult, ParabolaView
from deployworkbook.widgets.controls import Slider
from deployworkbook.widgets.explorer import Explorer

START = 4.0
MOST_STEPS = 20


def compute_parabola(*, learning_rate: float, curvature: float, steps: int) -> ParabolaResult:
    """Descend the loss ½ c θ² from θ = 4.

    Args:
        learning_rate: η, above 0.
        curvature: c, above 0; with c = 2 the loss is θ².
        steps: Number of steps, at least 1.

    >>> compute_parabola(learning_rate=0.25, curvature=2.0, steps=3).path
    array([4. , 2. , 1. , 0.5])
    """
    walk = trajectory(
        partial(gradient_descent, learning_rate=learning_rate),
        lambda place: curvature * place,
        np.array([START]),
        steps,
        loss=lambda places: 0.5 * curvature * places[..., 0] ** 2,
    )
    return ParabolaResult(curvature, learning_rate, walk.path[:, 0])


def parabola_explorer() -> Explorer[ParabolaResult]:
    """Make the parabola explorer."""
    controls = [
        Slider("learning_rate", "learning rate", 0.05, 1.2, 0.05, 0.25),
        Slider("curvature", "curvature", 0.5, 4.0, 0.5, 2.0),
        Slider("steps", "steps", 1, MOST_STEPS, 1, 8),
    ]
    return Explorer(controls, compute_parabola, ParabolaView(MOST_STEPS))
