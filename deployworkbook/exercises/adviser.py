"""The longest exercise of lesson 12: the cheapest month of all variants on all kinds of machine."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

from deployworkbook.exercises.declaration import Exercise, GuessQuestion, Mistake
from deployworkbook.exercises.plan import highest_rate

# Requests per second, objective in seconds, variants, and kinds of machine. In the second case, a
# request takes too long on the cheap kind even if it never waits.
DEMANDS = (
    (300.0, 0.050, [0.005, 0.004], [True, False], [1.0, 0.5], [0.07, 0.03]),
    (50.0, 0.020, [0.003], [True], [1.0, 0.5], [0.07, 0.03]),
)


def _cheapest(
    rate: float,
    objective: float,
    services: Sequence[float],
    accurate: Sequence[bool],
    speeds: Sequence[float],
    prices: Sequence[float],
    *,
    count: Callable[[float, float], float] = lambda rate, most: max(2, math.ceil(rate / most)),
    rate_of: Callable[[float, float], float] = highest_rate,
    skips_impossible: bool = True,
    only_accurate: bool = True,
    power_of_speed: int = -1,
) -> float:
    """Return the cheapest month, as asked for or with a mistake."""
    costs = [math.inf]
    for service, is_accurate in zip(services, accurate, strict=True):
        for speed, price in zip(speeds, prices, strict=True):
            most = rate_of(service * speed**power_of_speed, objective)
            is_possible = most > 0 or not skips_impossible
            if is_possible and (is_accurate or not only_accurate):
                costs.append(730 * price * count(rate, most))
    return min(costs)


EXERCISES = (
    Exercise(
        id="plan.adviser",
        expected="a function of rate, objective, services, accurate, speeds and prices that "
        "returns USD per month",
        reference=lambda rate, objective, services, accurate, speeds, prices: _cheapest(
            rate, objective, services, accurate, speeds, prices
        ),
        cases=DEMANDS,
        hints=(
            "Loop over the accurate variants, and inside over the kinds of machine. What does one "
            "such combination cost?",
            "On a machine, a request takes service / speed. The highest rate of exercise 3 says "
            "how many machines you need: round up, and take at least 2. If that rate isn't above "
            "0, skip the combination.",
            "min(730 * price * max(2, math.ceil(rate / most)) for each accurate service, speed and "
            "price), where most = highest_rate(service / speed, objective) is above 0",
        ),
        mistakes=(
            Mistake(
                partial(_cheapest, only_accurate=False),
                "That month is cheap because its variant isn't accurate enough.",
            ),
            Mistake(
                partial(_cheapest, power_of_speed=1),
                "That makes a slow core fast. At half the speed a request takes twice the time.",
            ),
            Mistake(
                partial(_cheapest, skips_impossible=False),
                "On one of these machines a request misses the objective even if it never waits. "
                "The highest rate is negative there, so skip that machine.",
            ),
            Mistake(
                partial(_cheapest, count=lambda rate, most: math.ceil(rate / most)),
                "That may be a single machine. There have to be two, so that one may fail.",
            ),
            Mistake(
                partial(_cheapest, count=lambda rate, most: max(2, rate / most)),
                "You can't rent a fraction of a machine: round up.",
            ),
            Mistake(
                partial(_cheapest, rate_of=lambda service, objective: 1 / service),
                "Those machines keep up with the requests, but some requests wait too long for the "
                "objective.",
            ),
        ),
    ),
)

PREDICTIONS: tuple[GuessQuestion, ...] = ()
