"""The surfaces and rules that explorers of descent let a learner choose."""

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
    """Give a surface, each built once; only the bowl has a condition number to choose.

    Raises:
        KeyError: There is no such surface.
    """
    return _bowl(condition_number) if name == BOWL else _other(name)


def parameters_of(name: str) -> tuple[str, str]:
    """Say what the parameters of a surface are."""
    return PARAMETERS.get(name, ("w₁", "w₂"))


def rule_named(name: str, momentum: float) -> Callable[..., Any]:
    """Bind a rule's settings but for the learning rate; only some rules use the momentum.

    Raises:
        KeyError: There is no such rule.
    """
    return partial(RULES[name], momentum=momentum) if name in WITH_MOMENTUM else RULES[name]


@lru_cache(maxsize=64)
def heights_of(surface: Surface) -> tuple[NDArray[np.float64], float]:
    """The loss over a grid of what is in view, above the lowest, and that lowest loss."""
    low, high = surface.limits.T
    x, y = np.linspace(low, high, GRID_POINTS).T
    losses = surface.loss(np.stack(np.meshgrid(x, y), axis=-1))
    # A saddle has no lowest point; there the loss is counted from the lowest in view.
    at_minimum = None if surface.minimum is None else float(surface.loss(surface.minimum))
    lowest = float(losses.min()) if at_minimum is None else at_minimum
    return losses - lowest, lowest


def limit_of(surface: Surface, rule: str, momentum: float) -> float | None:
    """The learning rate from which a rule diverges, where one is known: on a bowl.

    Args:
        surface: Where it walks.
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
    """Move a surface's own start towards the edges of what is in view.

    Args:
        surface: Where.
        move_1: From -100 % (the left edge) to 100 % (the right one); 0 moves nothing.
        move_2: The same, from the bottom to the top.
    """
    share = np.array([move_1, move_2]) / 100
    edges = np.where(share < 0, surface.limits[:, 0], surface.limits[:, 1])
    return surface.start + np.abs(share) * (edges - surface.start)


@lru_cache(maxsize=len(BATCH_SIZES))
def batches_of(size: int) -> list[NDArray[np.int64]]:
    """Draw as many batches of patients as there are steps at most."""
    epochs = -(-MOST_STEPS * size // PATIENTS)
    return list(minibatches(PATIENTS, size, epochs=epochs, seed=0))


def controls_that_matter(*, surface: str, rule: str, **others: object) -> set[str]:
    """Name the controls that change a descent on a surface by a rule."""
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
