"""The exercises of lesson 01: units, peaks, utilisation, and what a prediction costs."""

from __future__ import annotations

import math

from deployworkbook.exercises.declaration import Exercise, GuessQuestion, Mistake

LESSON = "01_deployment_cost"

GIB = 2**30
MONTH_S = 730 * 3600

# Requests a second and bytes of an answer.
TRAFFICS = ((100.0, 850.0), (2500.0, 4000.0))
# Bytes of a model, how many devices, and megabits a second of the line; all one after the other.
DOWNLOADS = ((400_000.0, 1, 8.0), (25_000_000.0, 40, 100.0))
# Mean rate, the peak as a multiple of it, seconds of a request, cores of a machine, limit.
FLEETS = ((1000.0, 3.1, 0.005, 2, 0.6), (200.0, 2.0, 0.020, 4, 0.5), (90.0, 4.0, 0.010, 2, 0.75))
# Seconds that a request may take on average, and that it takes where nobody waits.
OBJECTIVES = ((0.020, 0.005), (0.100, 0.080))
# USD a month, requests a second.
MONTHS = ((2700.0, 100.0), (5800.0, 10_000.0))


def _machines(rate: float, peak: float, service: float, cores: int, limit: float) -> int:
    return math.ceil(round(rate * peak * service / (cores * limit), 9))


EXERCISES = (
    Exercise(
        id="costs.traffic",
        lesson=LESSON,
        expected="a function of rate and size that returns GiB a month",
        reference=lambda rate, size: rate * MONTH_S * size / GIB,
        cases=TRAFFICS,
        hints=(
            "How many requests does a month have? Then how many bytes, and how many GiB are they?",
            "A month has 730 hours of 3,600 seconds, and a GiB has 2 ** 30 bytes.",
            "rate * 730 * 3600 * size / 2**30",
        ),
        mistakes=(
            Mistake(
                lambda rate, size: rate * MONTH_S * size / 10**9,
                "Those are GB of 10⁹ bytes. The bill counts GiB of 2³⁰ bytes, 7.4 % larger ones.",
            ),
            Mistake(
                lambda rate, size: rate * 720 * 3600 * size / GIB,
                "That month has 30 days. A bill's has 730 hours, a twelfth of a year.",
            ),
            Mistake(
                lambda rate, size: rate * 730 * size / GIB,
                "The rate is by the second, and an hour has 3,600 of them.",
            ),
            Mistake(
                lambda rate, size: rate * MONTH_S * size * 8 / GIB,
                "Those are bits. Prices are for bytes, of eight bits each.",
            ),
            Mistake(
                lambda rate, size: rate * MONTH_S * size,
                "Those are bytes; asked for are GiB, of 2³⁰ bytes each.",
            ),
        ),
    ),
    Exercise(
        id="costs.download",
        lesson=LESSON,
        expected="a function of size, devices and line that returns seconds",
        reference=lambda size, devices, line: size * devices * 8 / (line * 1e6),
        cases=DOWNLOADS,
        hints=(
            "The line's speed is in megabits: how many bits does the model have?",
            "A byte has 8 bits, and mega means a million, for lines as for bits.",
            "size * devices * 8 / (line * 1e6)",
        ),
        mistakes=(
            Mistake(
                lambda size, devices, line: size * devices / (line * 1e6),
                "The line is in bits, the model in bytes: a byte has eight bits.",
            ),
            Mistake(
                lambda size, devices, line: size * devices / 8 / (line * 1e6),
                "Bytes have more bits, not fewer: times eight.",
            ),
            Mistake(
                lambda size, devices, line: size * devices * 8 / (line * 2**20),
                "Mega is 10⁶ for lines. 2²⁰ is Mebi, which only memory and storage count in.",
            ),
            Mistake(
                lambda size, devices, line: size * 8 / (line * 1e6),
                "That is one device. All of them take the model over this line, one by one.",
            ),
        ),
    ),
    Exercise(
        id="costs.machines",
        lesson=LESSON,
        expected="a function of rate, peak, service, cores and limit that returns a whole number",
        reference=_machines,
        cases=FLEETS,
        hints=(
            "How many requests come in a second of the busiest hour? How many cores do they keep "
            "busy?",
            "Busy cores are requests a second times seconds of a request. A machine's cores may be "
            "busy up to the limit.",
            "math.ceil(rate * peak * service / (cores * limit))",
        ),
        mistakes=(
            Mistake(
                lambda rate, peak, service, cores, limit: _machines(
                    rate, 1.0, service, cores, limit
                ),
                "That is enough for the average. In the busiest hour more arrives than is served.",
            ),
            Mistake(
                lambda rate, peak, service, cores, limit: _machines(
                    rate, peak, service, cores, 1.0
                ),
                "These would be busy all the time, without room for chance. Leave the limit free.",
            ),
            Mistake(
                lambda rate, peak, service, cores, limit: rate * peak * service / (cores * limit),
                "There is no part of a machine: round up.",
            ),
            Mistake(
                lambda rate, peak, service, cores, limit: _machines(rate, peak, service, 1, limit),
                "Those are cores. A machine has several.",
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
        id="costs.utilisation",
        lesson=LESSON,
        expected="a function of objective and service that returns a share from 0 to 1",
        reference=lambda objective, service: 1 - service / objective,
        cases=OBJECTIVES,
        hints=(
            "A request takes s / (1 - ρ) on average. Set that to the objective.",
            "1 - ρ = s / objective",
            "1 - service / objective",
        ),
        mistakes=(
            Mistake(
                lambda objective, service: service / objective,
                "That is the share that must stay free. Asked for is the share that may be busy.",
            ),
            Mistake(
                lambda objective, service: objective / (objective + service),
                "That lets the wait alone take all of the objective. The service takes its part.",
            ),
            Mistake(
                lambda objective, service: 1.0,
                "A server that is always busy has a queue that grows without end.",
            ),
        ),
    ),
    Exercise(
        id="costs.million",
        lesson=LESSON,
        expected="a function of usd and rate that returns USD for a million predictions",
        reference=lambda usd, rate: usd / (rate * MONTH_S) * 1e6,
        cases=MONTHS,
        hints=(
            "How many predictions does a month have?",
            "What does one of them cost, and so a million?",
            "usd / (rate * 730 * 3600) * 1e6",
        ),
        mistakes=(
            Mistake(
                lambda usd, rate: usd / (rate * MONTH_S),
                "That is one prediction; asked for is a million.",
            ),
            Mistake(
                lambda usd, rate: usd / (rate * 720 * 3600) * 1e6,
                "That month has 30 days; the bill's has 730 hours.",
            ),
            Mistake(
                lambda usd, rate: usd / (rate * 3600) * 1e6,
                "That puts the cost of a month on the predictions of an hour.",
            ),
            Mistake(
                lambda usd, rate: usd / rate * 1e6,
                "That puts the cost of a month on the predictions of a second.",
            ),
            Mistake(
                lambda usd, rate: usd / (rate * MONTH_S) * 1e3,
                "That is for a thousand; asked for is a million.",
            ),
        ),
    ),
)

PREDICTIONS = (
    GuessQuestion(
        id="costs.dominant",
        lesson=LESSON,
        question="A small network answers 100 requests a second, all month. What is the largest "
        "part of its cost?",
        choices=("compute", "storage", "network", "maintenance"),
        answer="maintenance",
        reason="Two small machines serve it with ease, and the data are few. An engineer's day "
        "costs more than such machines in a month.",
    ),
    GuessQuestion(
        id="costs.growth",
        lesson=LESSON,
        question="Now it answers 10,000 requests a second, a hundred times as many. What becomes "
        "of its cost?",
        choices=("it grows about a hundred times", "about ten times", "it doubles, about"),
        answer="it doubles, about",
        reason="People's hours don't grow with the requests, and the two machines were hardly "
        "busy. Transfer grows a hundred times, but it was a hundredth of the total.",
    ),
    GuessQuestion(
        id="costs.busy",
        lesson=LESSON,
        question="You pay for machines that are busy 50 % of the time. A manager asks for 95 %, "
        "to save half. What becomes of the average response time?",
        choices=("it doubles", "it is ten times as long", "it stays"),
        answer="it is ten times as long",
        reason="It goes as one by the share that is free: 1 / 0.5 is 2, and 1 / 0.05 is 20.",
    ),
    GuessQuestion(
        id="costs.storage",
        lesson=LESSON,
        question="You keep 1 GiB of models and read each a few times a month. Which storage is the "
        "cheapest?",
        choices=("an SSD", "an HDD", "objects in the cloud"),
        answer="objects in the cloud",
        reason="A GiB on an HDD is cheap, but you rent at least 125 of them. Objects have no least "
        "amount; each read costs, and there are few.",
    ),
    GuessQuestion(
        id="costs.edge",
        lesson=LESSON,
        question="100 boards in the field, 10 requests a second each. Where is it cheaper to "
        "answer them?",
        choices=("on the boards", "in the cloud"),
        answer="in the cloud",
        reason="A cloud's machine is shared by all and busy; each board stands idle most of the "
        "time, and somebody has to drive there when it fails. With more requests a board that "
        "turns around: the cloud's answers are paid for by the GiB.",
    ),
)
