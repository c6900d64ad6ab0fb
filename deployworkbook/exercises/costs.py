"""The exercises of lesson 01 on units: traffic, downloads, cost per million predictions."""

from __future__ import annotations

from deployworkbook.exercises.declaration import Exercise, GuessQuestion, Mistake

GIB = 2**30
MONTH_S = 730 * 3600

# Requests per second and bytes per answer.
TRAFFICS = ((100.0, 850.0), (2500.0, 4000.0))
# Bytes per model, number of devices, and megabits per second of the line; one after the other.
DOWNLOADS = ((400_000.0, 1, 8.0), (25_000_000.0, 40, 100.0))
# USD per month, requests per second.
MONTHS = ((2700.0, 100.0), (5800.0, 10_000.0))


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
