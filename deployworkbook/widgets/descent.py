"""The descent explorer: a rule, its settings, and its path."""

from __future__ import annotations

from functools import partial

from deployworkbook.formulas.trajectories import trajectory
from deployworkbook.plots.descent import DescentResult, DescentView
from deployworkbook.widgets import landscapes
from deployworkbook.widgets.controls import Slider
from deployworkbook.widgets.explorer import Explorer


def compute_descent(
    *,
    surface: str,
    rule: str,
    learning_rate: float,
    momentum: float,
    condition_number: float,
    batch_size: int,
    steps: int,
    move_1: float,
    move_2: float,
) -> DescentResult:
    """Descend a surface.

    Args:
        surface: ``"bowl"`` or one of ``SURFACES``.
        rule: One of ``RULES``.
        learning_rate: η, above 0.
        momentum: μ, from 0 to below 1; only momentum and Nesterov's rule have it.
        condition_number: Condition number of the bowl: its largest curvature divided by its
            smallest.
        batch_size: Number of patients per step's gradient, on the real data.
        steps: Number of steps.
        move_1: How far to move the start from the surface's own towards the left edge of the plot
            (-100 %) or the right one (100 %).
        move_2: The same, towards the bottom or the top.

    >>> compute_descent(
    ...     surface="bowl", rule="gradient descent", learning_rate=0.1, momentum=0.0,
    ...     condition_number=1.0, batch_size=442, steps=3, move_1=0, move_2=0,
    ... ).walk.losses.round(3)
    array([10.   ,  8.1  ,  6.561,  5.314])
    """
    landscape = landscapes.surface_named(surface, condition_number)
    batches = landscapes.batches_of(surface, batch_size)
    walk = trajectory(
        partial(landscapes.rule_named(rule, momentum), learning_rate=learning_rate),
        landscape.gradient,
        landscapes.start_on(landscape, move_1, move_2),
        steps,
        loss=landscape.loss,
        batches=batches,
    )
    (heights, lowest), curvatures = landscapes.heights_of(landscape), landscape.curvatures
    has_bottom = curvatures is not None and curvatures[0] > 0
    return DescentResult(
        surface=landscape,
        parameters=landscapes.PARAMETERS.get(surface, ("w₁", "w₂")),
        rule=rule,
        heights=heights,
        lowest=lowest,
        walk=walk,
        limit=None if batches else landscapes.limit_of(landscape, rule, momentum),
        condition_number=curvatures[1] / curvatures[0] if curvatures and has_bottom else None,
        batch_size=batch_size if batches else None,
    )


def descent_explorer() -> Explorer[DescentResult]:
    """Make the descent explorer."""
    controls = [
        *landscapes.controls_of((landscapes.BOWL, *landscapes.SURFACES), learning_rate=0.1),
        Slider("move_1", "start, left to right", -100, 100, 5, 0, unit="%"),
        Slider("move_2", "start, down to up", -100, 100, 5, 0, unit="%"),
        Slider("steps", "steps", 10, landscapes.MOST_STEPS, 10, 100),
    ]
    view = DescentView(landscapes.MOST_STEPS)
    return Explorer(controls, compute_descent, view, applies=landscapes.controls_that_matter)
