"""The surfaces and rules that the descent explorers offer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas import descent
from deployworkbook.formulas.surfaces import (
    Surface,
    beale,
    linear_regression,
    quadratic_bowl,
    rosenbrock,
    saddle,
)
from deployworkbook.formulas.trajectories import critical_rate, minibatches
from deployworkbook.widgets.controls import Choice, Control, LogSlider, Slider, Stops

PATIENTS = 442


@lru_cache(maxsize=1)
def diabetes_regression() -> Surface:
    """Build the loss of a linear regression of the disease's progression on two blood values.

    All columns are standardised, so the lowest loss is the unexplained share of the variance.
    Total cholesterol and its largest part, low-density lipoproteins, are correlated: if one weight
    rises and the other falls, the loss hardly changes, and so the bowl is elongated.

    >>> flattest, steepest = diabetes_regression().curvatures
    >>> round(steepest / flattest)
    18
    """
    path = Path(__file__).with_name("diabetes.csv")
    columns = np.loadtxt(path, delimiter=",", comments="#", skiprows=4)
    standard = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    surface = linear_regression(
        standard[:, :2], standard[:, 2], name=f"Regression on {PATIENTS} diabetes patients"
    )
    # A start on the slope of a wall and far along the floor; the minimum is in the middle.
    low, high = surface.limits.T
    return replace(surface, start=(low + high) / 2 + (high - low) / 2 * [-0.9, 0.5])


BOWL = "bowl"
REAL = "regression on real data"
SURFACES: dict[str, Callable[[], Surface]] = {
    REAL: diabetes_regression,
    "saddle": saddle,
    "Rosenbrock's valley": rosenbrock,
    "Beale's plateau": beale,
}

PARAMETERS = {REAL: ("w₁, of total cholesterol", "w₂, of low-density lipoproteins")}

RULES: dict[str, Callable[..., Any]] = {
    "gradient descent": descent.gradient_descent,
    "momentum": descent.momentum,
    "Nesterov": descent.nesterov,
    "RMSProp": descent.rmsprop,
    "Adam": descent.adam,
}
WITH_MOMENTUM = ("momentum", "Nesterov")

BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, PATIENTS)
# Lowest and highest learning rate, and rates per decade.
RATES = (1e-4, 10.0, 20)
MOST_STEPS = 200
GRID_POINTS = 160


@lru_cache(maxsize=64)
def surface_named(name: str, condition_number: float) -> Surface:
    """Return a surface, each built once; only the bowl has a condition number to choose.

    Raises:
        KeyError: There is no such surface.
    """
    return quadratic_bowl(condition_number) if name == BOWL else SURFACES[name]()


def rule_named(name: str, momentum: float) -> Callable[..., Any]:
    """Bind all of a rule's settings except the learning rate; only some rules use momentum.

    Raises:
        KeyError: There is no such rule.
    """
    return partial(RULES[name], momentum=momentum) if name in WITH_MOMENTUM else RULES[name]


@lru_cache(maxsize=64)
def heights_of(surface: Surface) -> tuple[NDArray[np.float64], float]:
    """Return the loss above the lowest on a grid over the plot, and the lowest loss."""
    low, high = surface.limits.T
    x, y = np.linspace(low, high, GRID_POINTS).T
    losses = surface.loss(np.stack(np.meshgrid(x, y), axis=-1))
    # A saddle has no minimum; there the loss is relative to the lowest in the plot.
    at_minimum = None if surface.minimum is None else float(surface.loss(surface.minimum))
    lowest = float(losses.min()) if at_minimum is None else at_minimum
    return losses - lowest, lowest


def limit_of(surface: Surface, rule: str, momentum: float) -> float | None:
    """Return the learning rate from which a rule diverges, which is known only on a bowl.

    Args:
        surface: Surface to descend.
        rule: One of ``RULES``.
        momentum: μ; not every rule has it.
    """
    if surface.curvatures is None or rule in ("RMSProp", "Adam"):
        return None
    smallest, largest = surface.curvatures
    if smallest <= 0:  # no bowl
        return None
    mu = momentum if rule in WITH_MOMENTUM else 0.0
    return critical_rate(largest, momentum=mu, look_ahead=rule == "Nesterov")


def start_on(surface: Surface, move_1: float, move_2: float) -> NDArray[np.float64]:
    """Move a surface's own start towards the edges of the plot.

    Args:
        surface: Surface to descend.
        move_1: From -100 % (the left edge) to 100 % (the right one); 0 moves nothing.
        move_2: The same, from the bottom to the top.
    """
    share = np.array([move_1, move_2]) / 100
    edges = np.where(share < 0, surface.limits[:, 0], surface.limits[:, 1])
    return surface.start + np.abs(share) * (edges - surface.start)


@lru_cache(maxsize=64)
def batches_of(surface: str, size: int) -> list[NDArray[np.int64]] | None:
    """Draw enough batches of patients for the largest number of steps.

    ``None`` for all patients at once, and for a surface without them.
    """
    if surface != REAL or size >= PATIENTS:
        return None
    epochs = -(-MOST_STEPS * size // PATIENTS)
    return list(minibatches(PATIENTS, size, epochs=epochs, seed=0))


def controls_of(surfaces: tuple[str, ...], *, learning_rate: float) -> list[Control]:
    """Make the controls that both explorers have.

    Args:
        surfaces: Surfaces to choose from, the bowl among them.
        learning_rate: Initial learning rate.
    """
    return [
        Choice("surface", "surface", surfaces, BOWL),
        Choice("rule", "rule", tuple(RULES), "gradient descent"),
        LogSlider("learning_rate", "learning rate", *RATES, learning_rate),
        Slider("momentum", "momentum", 0.0, 0.99, 0.01, 0.9),
        LogSlider("condition_number", "condition number", 1.0, 1000.0, 20, 10.0),
        Stops("batch_size", "batch size", BATCH_SIZES, PATIENTS, unit="patients"),
    ]


def controls_that_matter(*, surface: str, rule: str, **others: object) -> set[str]:
    """Return the names of the controls that affect a descent on a surface by a rule."""
    not_always = {
        "momentum": rule in WITH_MOMENTUM,
        "condition_number": surface == BOWL,
        "batch_size": surface == REAL,
    }
    return {"surface", "rule", *others} - {name for name, is_so in not_always.items() if not is_so}
