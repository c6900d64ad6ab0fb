"""The exercises of lesson 01 on machines: how many the peak needs, which kind, how busy."""

from __future__ import annotations

import math
from collections.abc import Sequence

from deployworkbook.exercises.declaration import Exercise, GuessQuestion, Mistake

HOURS_PER_MONTH = 730

# Mean rate, peak as a multiple of it, seconds per request, cores per machine, utilisation limit.
FLEETS = ((1000.0, 3.1, 0.005, 2, 0.6), (200.0, 2.0, 0.020, 4, 0.5), (90.0, 4.0, 0.010, 2, 0.75))
# Mean rate, peak, seconds per request, utilisation limit, then USD per hour and cores of each kind.
CHOICES = (
    (1000.0, 3.0, 0.005, 0.6, (0.07, 0.125, 0.27), (2, 4, 8)),
    (40.0, 4.0, 0.020, 0.5, (0.04, 0.09, 0.50), (1, 2, 16)),
    (100.0, 2.0, 0.010, 0.5, (0.045, 0.30), (1, 8)),
)
# Objective for the mean response time and service time, in seconds.
OBJECTIVES = ((0.020, 0.005), (0.100, 0.080))


def _machines(rate: float, peak: float, service: float, cores: int, limit: float) -> int:
    return math.ceil(round(rate * peak * service / (cores * limit), 9))


def _months(
    rate: float,
    peak: float,
    service: float,
    limit: float,
    prices: Sequence[float],
    cores: Sequence[int],
) -> list[float]:
    """Return USD per month for each kind of machine."""
    return [
        HOURS_PER_MONTH * price * _machines(rate, peak, service, each, limit)
        for price, each in zip(prices, cores, strict=True)
    ]


def _cheapest_month(
    rate: float,
    peak: float,
    service: float,
    limit: float,
    prices: Sequence[float],
    cores: Sequence[int],
) -> float:
    return min(_months(rate, peak, service, limit, prices, cores))


EXERCISES = (
    Exercise(
        id="costs.machines",
        expected="a function of rate, peak, service, cores and limit that returns a whole number",
        reference=_machines,
        cases=FLEETS,
        hints=(
            "How many requests arrive per second in the busiest hour? How many cores do they keep "
            "busy?",
            "The number of busy cores is requests per second times seconds per request. A "
            "machine's cores may be busy up to the limit.",
            "math.ceil(rate * peak * service / (cores * limit))",
        ),
        mistakes=(
            Mistake(
                lambda rate, peak, service, cores, limit: _machines(
                    rate, 1.0, service, cores, limit
                ),
                "That is enough on average. In the busiest hour more requests arrive than are "
                "served.",
            ),
            Mistake(
                lambda rate, peak, service, cores, limit: _machines(
                    rate, peak, service, cores, 1.0
                ),
                "These would be busy all the time, with no headroom for bursts. Apply the limit.",
            ),
            Mistake(
                lambda rate, peak, service, cores, limit: rate * peak * service / (cores * limit),
                "You can't rent a fraction of a machine: round up.",
            ),
            Mistake(
                lambda rate, peak, service, cores, limit: _machines(rate, peak, service, 1, limit),
                "That is the number of cores. A machine has several.",
            ),
            Mistake(
                lambda rate, peak, service, cores, limit: math.floor(
                    round(rate * peak * service / (cores * limit), 9)
                ),
                "Rounded down, the machines are busier than the limit.",
            ),
        ),
    ),
    Exercise(
        id="costs.cheapest_month",
        expected="a function of rate, peak, service, limit, prices and cores that returns USD per "
        "month",
        reference=_cheapest_month,
        cases=CHOICES,
        hints=(
            "How many machines of each kind does the peak need? What do they cost per hour?",
            "Write a loop over zip(prices, cores), compute the month of each kind, and take the "
            "smallest.",
            "min(730 * p * math.ceil(rate * peak * service / (c * limit)) "
            "for p, c in zip(prices, cores))",
        ),
        mistakes=(
            Mistake(
                lambda rate, peak, service, limit, prices, cores: (
                    _cheapest_month(rate, peak, service, limit, prices, cores) / 730
                ),
                "That is the price of an hour. A month has 730 of them.",
            ),
            Mistake(
                lambda rate, peak, service, limit, prices, cores: _cheapest_month(
                    rate, 1.0, service, limit, prices, cores
                ),
                "That is enough on average, but not in the busiest hour.",
            ),
            Mistake(
                lambda rate, peak, service, limit, prices, cores: _cheapest_month(
                    rate, peak, service, 1.0, prices, cores
                ),
                "These machines would be busy all the time at the peak. Apply the limit.",
            ),
            Mistake(
                lambda rate, peak, service, limit, prices, cores: min(
                    730 * price * rate * peak * service / (each * limit)
                    for price, each in zip(prices, cores, strict=True)
                ),
                "You can't rent a fraction of a machine: round up before you compare the kinds.",
            ),
            Mistake(
                lambda rate, peak, service, limit, prices, cores: _months(
                    rate, peak, service, limit, prices, cores
                )[prices.index(min(prices))],
                "That is the kind with the lowest price per machine. You may need more of them.",
            ),
            Mistake(
                lambda rate, peak, service, limit, prices, cores: _months(
                    rate, peak, service, limit, prices, cores
                )[min(range(len(prices)), key=lambda i: prices[i] / cores[i])],
                "That is the kind with the lowest price per core. If you need only a few cores, "
                "most of a large machine would be idle.",
            ),
        ),
    ),
    Exercise(
        id="costs.utilisation",
        expected="a function of objective and service that returns a share from 0 to 1",
        reference=lambda objective, service: 1 - service / objective,
        cases=OBJECTIVES,
        hints=(
            "A request takes s / (1 - ρ) on average. Set that equal to the objective.",
            "1 - ρ = s / objective",
            "1 - service / objective",
        ),
        mistakes=(
            Mistake(
                lambda objective, service: service / objective,
                "That is the share that must stay free. The question asks for the share that may "
                "be busy.",
            ),
            Mistake(
                lambda objective, service: objective / (objective + service),
                "That lets the wait alone use up the objective. The service itself takes time too.",
            ),
            Mistake(
                lambda objective, service: 1.0,
                "If a server is always busy, its queue grows without bound.",
            ),
        ),
    ),
)

PREDICTIONS = (
    GuessQuestion(
        id="costs.busy",
        question="Requests wait for a single core, which is busy 50 % of the time. To save money, "
        "a manager sends it more work, until it is busy 95 % of the time. How does the average "
        "response time change?",
        choices=("it doubles", "it grows tenfold", "it stays the same"),
        answer="it grows tenfold",
        reason="It is proportional to 1 divided by the free share: 1 / 0.5 is 2, and 1 / 0.05 "
        "is 20.",
    ),
)
