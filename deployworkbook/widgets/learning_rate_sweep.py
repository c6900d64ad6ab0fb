"""The learning-rate sweep: the final losses of all rates, and the descent with one of them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.trajectories import sweep
from deployworkbook.plots.descent_curve import GROWN, LOWEST
from deployworkbook.plots.learning_rate_sweep import SweepResult, SweepView
from deployworkbook.widgets.controls import Choice, LogSlider, Slider, Stops
from deployworkbook.widgets.diabetes import PATIENTS
from deployworkbook.widgets.explorer import Explorer
from deployworkbook.widgets.landscapes import (
    BATCH_SIZES,
    BOWL,
    MOST_STEPS,
    REAL,
    RULES,
    SURFACES,
    WITH_MOMENTUM,
    batches_of,
    controls_that_matter,
    heights_of,
    limit_of,
    rule_named,
    surface_named,
)
from deployworkbook.widgets.stepping import preferred_numbers

# The stops of the slider, so that the descent with the selected rate is already computed.
RATE_LOW, RATE_HIGH, RATES_PER_DECADE = 1e-4, 10.0, 20
RATES: NDArray[np.float64] = np.array(preferred_numbers(RATE_LOW, RATE_HIGH, RATES_PER_DECADE))

# Number of last steps whose mean judges a rate: single steps depend on luck if the path swings or
# batches are random.
LAST_STEPS = 10

# Surfaces with a minimum, which a saddle lacks.
WITH_BOTTOM = (BOWL, *(name for name in SURFACES if name != "saddle"))


def compute_sweep(
    *,
    surface: str,
    rule: str,
    learning_rate: float,
    momentum: float,
    condition_number: float,
    batch_size: int,
    steps: int,
) -> SweepResult:
    """Descend a surface with all learning rates.

    Args:
        surface: One of ``WITH_BOTTOM``.
        rule: One of ``RULES``.
        learning_rate: Selected rate, between the ends of ``RATES``.
        momentum: μ, from 0 to below 1; only momentum and Nesterov's rule have it.
        condition_number: Condition number of the bowl: its largest curvature divided by its
            smallest.
        batch_size: Number of patients per step's gradient, on the real data.
        steps: Number of steps, at least ``LAST_STEPS``.

    >>> result = compute_sweep(
    ...     surface="bowl", rule="gradient descent", learning_rate=0.1, momentum=0.0,
    ...     condition_number=1.0, batch_size=PATIENTS, steps=10,
    ... )  # on a round bowl, one step with rate 1 reaches the bottom
    >>> float(result.rates[result.best].round(6)), result.limit
    (1.0, 2.0)
    """
    landscape = surface_named(surface, condition_number)
    rates = tuple(np.union1d(RATES, learning_rate).tolist())
    every = _excess(
        rates,
        surface,
        rule,
        momentum if rule in WITH_MOMENTUM else 0.0,
        condition_number if surface == BOWL else 1.0,
        batch_size if surface == REAL else PATIENTS,
    )[: steps + 1]
    final = every[-LAST_STEPS:].mean(axis=0)
    is_stochastic = surface == REAL and batch_size < PATIENTS
    return SweepResult(
        surface=landscape.name,
        rule=rule,
        rates=np.array(rates),
        excess=every,
        final=final,
        last_steps=LAST_STEPS,
        diverges=every[-1] > GROWN * max(every[0, 0], LOWEST),
        best=int(np.argmin(final)),
        here=rates.index(learning_rate),
        limit=None if is_stochastic else limit_of(landscape, rule, momentum),
        batch_size=batch_size if is_stochastic else None,
    )


@lru_cache(maxsize=64)
def _excess(
    rates: tuple[float, ...],
    surface: str,
    rule: str,
    momentum: float,
    condition_number: float,
    batch_size: int,
) -> NDArray[np.float64]:
    """Return the loss above the lowest by step and rate, shape ``[MOST_STEPS + 1, rates]``."""
    landscape = surface_named(surface, condition_number)
    losses = sweep(
        rule_named(rule, momentum),
        landscape.gradient,
        landscape.start,
        MOST_STEPS,
        learning_rates=np.array(rates),
        loss=landscape.loss,
        batches=batches_of(batch_size) if batch_size < PATIENTS else None,
    )
    return losses - heights_of(landscape)[1]


def learning_rate_sweep_explorer() -> Explorer[SweepResult]:
    """Make the learning-rate explorer."""
    controls = [
        Choice("surface", "surface", WITH_BOTTOM, BOWL),
        Choice("rule", "rule", tuple(RULES), "gradient descent"),
        LogSlider("learning_rate", "learning rate", RATE_LOW, RATE_HIGH, RATES_PER_DECADE, 0.01),
        Slider("momentum", "momentum", 0.0, 0.99, 0.01, 0.9),
        LogSlider("condition_number", "condition number", 1.0, 1000.0, 20, 10.0),
        Stops("batch_size", "batch size", BATCH_SIZES, PATIENTS, unit="patients"),
        Slider("steps", "steps", LAST_STEPS, MOST_STEPS, 10, 100),
    ]
    return Explorer(controls, compute_sweep, SweepView(MOST_STEPS), applies=controls_that_matter)
