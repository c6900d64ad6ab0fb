"""The learning-rate sweep: the final losses of all rates, and the descent with one of them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.trajectories import sweep
from deployworkbook.plots.descent import GROWN, LOWEST
from deployworkbook.plots.learning_rate_sweep import SweepResult, SweepView
from deployworkbook.widgets import landscapes
from deployworkbook.widgets.controls import Slider
from deployworkbook.widgets.explorer import Explorer
from deployworkbook.widgets.landscapes import PATIENTS
from deployworkbook.widgets.stepping import preferred_numbers

# The stops of the slider, so that the descent with the selected rate is already computed.
RATES: NDArray[np.float64] = np.array(preferred_numbers(*landscapes.RATES))

# Number of last steps whose mean judges a rate: single steps depend on luck if the path swings or
# batches are random.
LAST_STEPS = 10

# Surfaces with a minimum, which a saddle lacks.
WITH_BOTTOM = (landscapes.BOWL, *(name for name in landscapes.SURFACES if name != "saddle"))


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

    The settings are those of ``compute_descent``: the surface is one of ``WITH_BOTTOM``, the
    learning rate lies between the ends of ``RATES``, and the steps are at least ``LAST_STEPS``.

    >>> result = compute_sweep(
    ...     surface="bowl", rule="gradient descent", learning_rate=0.1, momentum=0.0,
    ...     condition_number=1.0, batch_size=PATIENTS, steps=10,
    ... )  # on a round bowl, one step with rate 1 reaches the bottom
    >>> float(result.rates[result.best].round(6)), result.limit
    (1.0, 2.0)
    """
    landscape = landscapes.surface_named(surface, condition_number)
    rates = tuple(np.union1d(RATES, learning_rate).tolist())
    every = _excess(
        rates,
        surface,
        rule,
        momentum if rule in landscapes.WITH_MOMENTUM else 0.0,
        condition_number if surface == landscapes.BOWL else 1.0,
        batch_size if surface == landscapes.REAL else PATIENTS,
    )[: steps + 1]
    final = every[-LAST_STEPS:].mean(axis=0)
    is_stochastic = landscapes.batches_of(surface, batch_size) is not None
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
        limit=None if is_stochastic else landscapes.limit_of(landscape, rule, momentum),
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
    landscape = landscapes.surface_named(surface, condition_number)
    losses = sweep(
        landscapes.rule_named(rule, momentum),
        landscape.gradient,
        landscape.start,
        landscapes.MOST_STEPS,
        learning_rates=np.array(rates),
        loss=landscape.loss,
        batches=landscapes.batches_of(surface, batch_size),
    )
    return losses - landscapes.heights_of(landscape)[1]


def learning_rate_sweep_explorer() -> Explorer[SweepResult]:
    """Make the learning-rate explorer."""
    controls = [
        *landscapes.controls_of(WITH_BOTTOM, learning_rate=0.01),
        Slider("steps", "steps", LAST_STEPS, landscapes.MOST_STEPS, 10, 100),
    ]
    return Explorer(
        controls,
        compute_sweep,
        SweepView(landscapes.MOST_STEPS),
        applies=landscapes.controls_that_matter,
    )
