"""The exercises of lesson 01: units, cost per prediction, peaks, the cheapest kind of machine."""

from __future__ import annotations

import math
from collections.abc import Sequence

from deployworkbook.exercises.declaration import Exercise, GuessQuestion, Mistake

GIB = 2**30
MONTH_S = 730 * 3600

# Requests per second and bytes per answer.
TRAFFICS = ((100.0, 850.0), (2500.0, 4000.0))
# Bytes per model, number of devices, and megabits per second of the line; one after the other.
DOWNLOADS = ((400_000.0, 1, 8.0), (25_000_000.0, 40, 100.0))
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
# USD per month, requests per second.
MONTHS = ((2700.0, 100.0), (5800.0, 10_000.0))


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
        730 * price * _machines(rate, peak, service, each, limit)
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
        id="costs.traffic",
        expected="a function of rate and size that returns GiB per month",
        reference=lambda rate, size: rate * MONTH_S * size / GIB,
        cases=TRAFFICS,
        hints=(
            "How many requests are there in a month? How many bytes is that, and how many GiB?",
            "A month has 730 hours of 3,600 seconds, and a GiB has 2 ** 30 bytes.",
            "rate * 730 * 3600 * size / 2**30",
        ),
        mistakes=(
            Mistake(
                lambda rate, size: rate * MONTH_S * size / 10**9,
                "Those are GB of 10⁹ bytes. The bill counts GiB of 2³⁰ bytes, which are 7.4 % "
                "larger.",
            ),
            Mistake(
                lambda rate, size: rate * 720 * 3600 * size / GIB,
                "Your month has 30 days. A billing month has 730 hours, a twelfth of a year.",
            ),
            Mistake(
                lambda rate, size: rate * 730 * size / GIB,
                "The rate is per second, and an hour has 3,600 seconds.",
            ),
            Mistake(
                lambda rate, size: rate * MONTH_S * size * 8 / GIB,
                "Those are bits. Prices are per byte, which has eight bits.",
            ),
            Mistake(
                lambda rate, size: rate * MONTH_S * size,
                "Those are bytes. The question asks for GiB, of 2³⁰ bytes each.",
            ),
        ),
    ),
    Exercise(
        id="costs.download",
        expected="a function of size, devices and line that returns seconds",
        reference=lambda size, devices, line: size * devices * 8 / (line * 1e6),
        cases=DOWNLOADS,
        hints=(
            "The line's speed is in megabits: how many bits does the model have?",
            "A byte has 8 bits, and mega means a million.",
            "size * devices * 8 / (line * 1e6)",
        ),
        mistakes=(
            Mistake(
                lambda size, devices, line: size * devices / (line * 1e6),
                "The line's speed is in bits, the model's size in bytes: a byte has eight bits.",
            ),
            Mistake(
                lambda size, devices, line: size * devices / 8 / (line * 1e6),
                "There are more bits than bytes, so multiply by eight.",
            ),
            Mistake(
                lambda size, devices, line: size * devices * 8 / (line * 2**20),
                "For lines, mega is 10⁶. 2²⁰ is mebi, which is used only for memory and storage.",
            ),
            Mistake(
                lambda size, devices, line: size * 8 / (line * 1e6),
                "That is one device. All of them download the model over this line, one after the "
                "other.",
            ),
        ),
    ),
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
    Exercise(
        id="costs.million",
        expected="a function of usd and rate that returns USD per million predictions",
        reference=lambda usd, rate: usd / (rate * MONTH_S) * 1e6,
        cases=MONTHS,
        hints=(
            "How many predictions are there in a month?",
            "What does one prediction cost, and what do a million cost?",
            "usd / (rate * 730 * 3600) * 1e6",
        ),
        mistakes=(
            Mistake(
                lambda usd, rate: usd / (rate * MONTH_S),
                "That is for one prediction. The question asks for a million.",
            ),
            Mistake(
                lambda usd, rate: usd / (rate * 720 * 3600) * 1e6,
                "Your month has 30 days; a billing month has 730 hours.",
            ),
            Mistake(
                lambda usd, rate: usd / (rate * 3600) * 1e6,
                "That divides a month's cost by the predictions of one hour.",
            ),
            Mistake(
                lambda usd, rate: usd / rate * 1e6,
                "That divides a month's cost by the predictions of one second.",
            ),
            Mistake(
                lambda usd, rate: usd / (rate * MONTH_S) * 1e3,
                "That is for a thousand predictions. The question asks for a million.",
            ),
        ),
    ),
)

PREDICTIONS = (
    GuessQuestion(
        id="costs.growth",
        question="Now it answers 10,000 requests per second, a hundred times as many. How does "
        "its cost change?",
        choices=(
            "it grows about a hundredfold",
            "it grows about fivefold",
            "it hardly changes",
        ),
        answer="it grows about fivefold",
        reason="People's hours don't grow with the requests, and the two machines were hardly "
        "busy. Traffic and log lines cost a hundred times as much, but they were a small part of "
        "the total.",
    ),
    GuessQuestion(
        id="costs.busy",
        question="You pay for machines that are busy 50 % of the time. A manager asks for 95 %, "
        "to save half. How does the average response time change?",
        choices=("it doubles", "it grows tenfold", "it stays the same"),
        answer="it grows tenfold",
        reason="It is proportional to 1 divided by the free share: 1 / 0.5 is 2, and 1 / 0.05 "
        "is 20.",
    ),
    GuessQuestion(
        id="costs.storage",
        question="You keep 1 GiB of models and read each a few times a month. Which storage is "
        "cheapest?",
        choices=("an SSD", "an HDD", "objects in the cloud"),
        answer="objects in the cloud",
        reason="A GiB on an HDD is cheap, but you rent at least 125 of them. Object storage has no "
        "minimum; you pay per read, and there are few reads.",
    ),
    GuessQuestion(
        id="costs.edge",
        question="100 boards in the field get 1 request per second each. Where is it cheaper to "
        "answer them?",
        choices=("on the boards", "in the cloud"),
        answer="in the cloud",
        reason="A cloud machine is shared by all and busy, but each board is idle most of the "
        "time, and somebody has to drive there when it fails. With more requests per board that "
        "reverses, because the cloud charges for each GiB of answers and logs.",
    ),
)
