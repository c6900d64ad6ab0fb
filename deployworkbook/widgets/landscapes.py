"""The surfaces and rules that the descent explorers offer."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas import descent
from deployworkbook.formulas.surfaces import Surface, beale, quadratic_bowl, rosenbrock, saddle
from deployworkbook.formulas.trajectories import critical_rate, minibatches
from deployworkbook.widgets.diabetes import PATIENTS, diabetes_regression

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
MOST_STEPS = 200
GRID_POINTS = 160


def surface_named(name: str, condition_number: float) -> Surface:
    """Return a surface, each built once; only the bowl has a condition number to choose.

    Raises:
        KeyError: There is no such surface.
    """
    return _bowl(condition_number) if name == BOWL else _other(name)


def parameters_of(name: str) -> tuple[str, str]:
    """Return the names of a surface's parameters."""
    return PARAMETERS.get(name, ("w₁", "w₂"))


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


@lru_cache(maxsize=len(BATCH_SIZES))
def batches_of(size: int) -> list[NDArray[np.int64]]:
    """Draw enough batches of patients for the largest number of steps."""
    epochs = -(-MOST_STEPS * size // PATIENTS)
    return list(minibatches(PATIENTS, size, epochs=epochs, seed=0))


def controls_that_matter(*, surface: str, rule: str, **others: object) -> set[str]:
    """Return the names of the controls that affect a descent on a surface by a rule."""
    not_always = {
        "momentum": rule in WITH_MOMENTUM,
        "condition_number": surface == BOWL,
        "batch_size": surface == REAL,
    }
    return {"surface", "rule", *others} - {name for name, is_so in not_always.items() if not is_so}


@lru_cache(maxsize=64)
def _bowl(condition_number: float) -> Surface:
    return quadratic_bowl(condition_number)


@lru_cache(maxsize=len(SURFACES))
def _other(name: str) -> Surface:
    return SURFACES[name]()
