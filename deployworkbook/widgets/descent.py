"""The descent explorer: a rule, its settings, and the path that it takes."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas import descent
from deployworkbook.formulas.surfaces import Surface, beale, quadratic_bowl, rosenbrock, saddle
from deployworkbook.formulas.trajectories import trajectory
from deployworkbook.plots.descent import DescentResult, DescentView
from deployworkbook.widgets.controls import Choice, LogSlider, Slider
from deployworkbook.widgets.explorer import Explorer

SURFACES: dict[str, Callable[[], Surface]] = {
    "saddle": saddle,
    "Rosenbrock's valley": rosenbrock,
    "Beale's plateau": beale,
}
BOWL = "bowl"

GRID_POINTS = 80
MOST_STEPS = 200


def rule_named(name: str, learning_rate: float, momentum: float) -> descent.Rule:
    """Bind a rule's settings; only momentum and Nesterov's use the momentum.

    Raises:
        KeyError: There is no such rule.
    """
    rules: dict[str, descent.Rule] = {
        "gradient descent": partial(descent.gradient_descent, learning_rate=learning_rate),
        "momentum": partial(descent.momentum, learning_rate=learning_rate, momentum=momentum),
        "Nesterov": partial(descent.nesterov, learning_rate=learning_rate, momentum=momentum),
        "RMSProp": partial(descent.rmsprop, learning_rate=learning_rate),
        "Adam": partial(descent.adam, learning_rate=learning_rate),
    }
    return rules[name]


RULES = ("gradient descent", "momentum", "Nesterov", "RMSProp", "Adam")


@lru_cache(maxsize=64)
def _surface(name: str, condition_number: float) -> Surface:
    return quadratic_bowl(condition_number) if name == BOWL else SURFACES[name]()


@lru_cache(maxsize=64)
def _heights(name: str, condition_number: float) -> tuple[NDArray[np.float64], float]:
    """The loss over a grid, above the lowest, and that lowest loss."""
    surface = _surface(name, condition_number)
    (left, right), (bottom, top) = surface.limits
    x, y = np.linspace(left, right, GRID_POINTS), np.linspace(bottom, top, GRID_POINTS)
    losses = surface.loss(np.stack(np.meshgrid(x, y), axis=-1))
    # A saddle has no lowest point; there the loss is counted from the lowest in view.
    at_minimum = None if surface.minimum is None else float(surface.loss(surface.minimum))
    lowest = float(losses.min()) if at_minimum is None else at_minimum
    return losses - lowest, lowest


def compute_descent(
    *,
    surface: str,
    rule: str,
    learning_rate: float,
    momentum: float,
    condition_number: float,
    steps: int,
) -> DescentResult:
    """Walk down a surface from its start.

    Args:
        surface: ``"bowl"`` or one of ``SURFACES``.
        rule: One of ``RULES``.
        learning_rate: η, above 0.
        momentum: μ, from 0 to below 1.
        condition_number: Of the bowl: its steepest curvature by its flattest.
        steps: How many.

    >>> compute_descent(
    ...     surface="bowl", rule="gradient descent", learning_rate=0.1,
    ...     momentum=0.0, condition_number=1.0, steps=3,
    ... ).losses.round(3)
    array([10.   ,  8.1  ,  6.561,  5.314])
    """
    # The other surfaces are what they are: one key in the cache is enough for them.
    shape = condition_number if surface == BOWL else 1.0
    landscape = _surface(surface, shape)
    heights, lowest = _heights(surface, shape)
    walk = trajectory(
        rule_named(rule, learning_rate, momentum),
        landscape.gradient,
        landscape.start,
        steps,
        loss=landscape.loss,
    )
    curvatures = landscape.curvatures
    return DescentResult(
        surface=landscape.name,
        limits=landscape.limits,
        heights=heights,
        minimum=landscape.minimum,
        path=walk.path,
        losses=walk.losses,
        lowest=lowest,
        diverged=walk.diverged,
        limit=2 / curvatures[1] if curvatures and curvatures[0] > 0 else None,
    )


def descent_explorer() -> Explorer[DescentResult]:
    """Make the explorer of descent."""
    controls = [
        Choice("surface", "surface", (BOWL, *SURFACES), BOWL),
        Choice("rule", "rule", RULES, RULES[0]),
        LogSlider("learning_rate", "learning rate", 1e-4, 10.0, 20, 0.1),
        Slider("momentum", "momentum", 0.0, 0.99, 0.01, 0.9),
        LogSlider("condition_number", "condition number", 1.0, 1000.0, 20, 10.0),
        Slider("steps", "steps", 10, MOST_STEPS, 10, 100),
    ]
    return Explorer(controls, compute_descent, DescentView(MOST_STEPS))
