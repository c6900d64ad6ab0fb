"""The exercises of lesson 12: times on another machine, percentiles, choices, and payback."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from deployworkbook.exercises.declaration import Exercise, GuessQuestion, Mistake

# Milliseconds per prediction and of server overhead, and the speed of a core.
SERVICES = ((0.2, 0.4, 0.75), (3.0, 0.5, 1.25), (0.01, 0.59, 0.5))
# Cost of each deployment, and whether it meets all objectives. In each, one that fails is cheaper.
FIELDS = (
    ([70.0, 90.0, 50.0, 95.0, 80.0], [False, True, False, True, True]),
    ([10.0, 30.0, 20.0], [False, True, True]),
)
# Service time and objective in seconds.
LOADS = ((0.005, 0.050), (0.020, 0.200))
# Times of the same requests in two stages; in the first pair, slow and fast requests differ.
STAGES = (
    (np.r_[np.full(98, 10.0), [100.0, 110.0]], np.r_[[90.0, 80.0], np.full(98, 20.0)]),
    (np.arange(1.0, 201.0), np.arange(200.0, 0.0, -1.0) ** 2 / 40.0),
)
# Costs of drawn months in USD; the quantiles are among them.
MONTHS = (np.arange(0.0, 101.0) ** 2, np.r_[np.full(51, 500.0), np.arange(600.0, 5600.0, 100.0)])
# Hours of work, wage, its share of an hour's cost, and USD saved per month.
PAYBACKS = ((40.0, 70.0, 0.7, 200.0), (8.0, 63.0, 0.7, 36.0))


def _percentile_of_sums(first: np.ndarray, second: np.ndarray, *, method: Any) -> float:
    """Return the 99th percentile, by a definition such as "nearest rank"."""
    sums = first + second
    return float(np.percentile(sums, 99, method=method))


def highest_rate(service: float, objective: float) -> float:
    """Return the highest rate at which the 99th percentile meets an objective."""
    return (1 - service * math.log(100) / objective) / service


EXERCISES = (
    Exercise(
        id="plan.service",
        expected="a function of prediction, server and speed that returns milliseconds",
        reference=lambda prediction, server, speed: (prediction + server) / speed,
        cases=SERVICES,
        hints=(
            "A core of half the speed needs twice the time. For which of the two parts?",
            "For both: the server's work is done on the same core.",
            "(prediction + server) / speed",
        ),
        mistakes=(
            Mistake(
                lambda prediction, server, speed: (prediction + server) * speed,
                "That makes a slow core fast. At half the speed a request takes twice the time.",
            ),
            Mistake(
                lambda prediction, server, speed: prediction / speed + server,
                "The server's work is done on the same core, so it takes longer too.",
            ),
            Mistake(
                lambda prediction, server, speed: prediction / speed,
                "A request also keeps the core busy while it is read and answered.",
            ),
            Mistake(
                lambda prediction, server, speed: prediction + server,
                "That is the time on the core where it was measured. The other one has another "
                "speed.",
            ),
        ),
    ),
    Exercise(
        id="plan.cheapest",
        expected="a function of costs and holds that returns an index, counted from 0",
        reference=lambda costs, holds: int(np.where(holds, costs, np.inf).argmin()),
        cases=FIELDS,
        hints=(
            "Objectives come first: a deployment that misses one is out, however cheap.",
            "Give those that are out an infinite cost, and take the index of the smallest.",
            "int(np.where(holds, costs, np.inf).argmin())",
        ),
        mistakes=(
            Mistake(
                lambda costs, holds: int(np.argmin(costs)),
                "That one is cheap because it misses an objective.",
            ),
            Mistake(
                lambda costs, holds: int(np.argmin(np.asarray(costs)[np.asarray(holds)])),
                "That is its index among those that hold. The question asks for its index among "
                "all.",
            ),
            Mistake(
                lambda costs, holds: float(np.where(holds, costs, np.inf).min()),
                "That is its cost; the question asks for its index.",
            ),
            Mistake(
                lambda costs, holds: int(np.argmax(holds)),
                "That is the first that holds, but not the cheapest.",
            ),
        ),
    ),
    Exercise(
        id="plan.rate",
        expected="a function of service and objective, in seconds, that returns requests per "
        "second",
        reference=highest_rate,
        cases=LOADS,
        # The lesson computes with 4.605 by hand.
        relative_tolerance=1e-3,
        hints=(
            "Set the 99th percentile equal to the objective, and solve for the utilisation.",
            "1 - ρ = s ln(100) / T, and ρ = λ s.",
            "(1 - service * math.log(100) / objective) / service",
        ),
        mistakes=(
            Mistake(
                lambda service, objective: (1 - service / objective) / service,
                "Then only the average meets the objective, and more than a third of all requests "
                "take longer.",
            ),
            Mistake(
                lambda service, objective: 1 / service,
                "Then it is always busy, and its queue grows without bound.",
            ),
            Mistake(
                lambda service, objective: 1 - service * math.log(100) / objective,
                "That is the utilisation. Divide by the time per request to get the rate.",
            ),
            Mistake(
                lambda service, objective: (1 - service * 2 / objective) / service,
                "That is the logarithm to base 10. Use the natural one, ln(100) = 4.6.",
            ),
        ),
    ),
    Exercise(
        id="plan.percentiles",
        expected="a function of first and second, arrays of the same requests, that returns a time",
        reference=lambda first, second: float(np.percentile(first + second, 99)),
        also_right=tuple(
            partial(_percentile_of_sums, method=method)
            for method in ("inverted_cdf", "lower", "higher", "nearest")
        ),
        cases=STAGES,
        hints=(
            "Each request takes the sum of its own two times.",
            "Add the times per request, then take the percentile.",
            "np.percentile(first + second, 99)",
        ),
        mistakes=(
            Mistake(
                lambda first, second: float(np.percentile(first, 99) + np.percentile(second, 99)),
                "That is right only if the same requests are slow in both stages.",
            ),
            Mistake(
                lambda first, second: float(
                    max(np.percentile(first, 99), np.percentile(second, 99))
                ),
                "That leaves out the other stage, which takes time too.",
            ),
            Mistake(
                lambda first, second: float(np.percentile(np.concatenate([first, second]), 99)),
                "That mixes the two stages. A request goes through both, one after the other.",
            ),
            Mistake(
                lambda first, second: float(np.mean(first + second)),
                "That is the average; the question asks for the 99th percentile.",
            ),
        ),
    ),
    Exercise(
        id="plan.interval",
        expected="a function of costs that returns two numbers, the lower end first",
        reference=lambda costs: np.quantile(costs, [0.05, 0.95]),
        cases=tuple((each,) for each in MONTHS),
        hints=(
            "If nine of ten lie inside, what share lies outside, and how is it split?",
            "A twentieth lies below, and a twentieth above.",
            "np.quantile(costs, [0.05, 0.95])",
        ),
        mistakes=(
            Mistake(
                lambda costs: np.quantile(costs, [0.1, 0.9]),
                "Eight of ten lie between these: a tenth is outside at each end.",
            ),
            Mistake(
                lambda costs: np.quantile(costs, [0.0, 0.9]),
                "Nine of ten lie inside, but all the others are expensive. Split them between both "
                "ends.",
            ),
            Mistake(
                lambda costs: np.mean(costs) + np.std(costs) * np.array([-1.645, 1.645]),
                "That holds for a normal distribution. Costs have a long tail: take the draws.",
            ),
            Mistake(
                lambda costs: np.quantile(costs, [0.95, 0.05]),
                "Those are the right two numbers in the wrong order.",
            ),
        ),
    ),
    Exercise(
        id="plan.payback",
        expected="a function of hours, wage, wage_share and saved that returns months",
        reference=lambda hours, wage, wage_share, saved: hours * wage / wage_share / saved,
        cases=PAYBACKS,
        hints=(
            "What do the hours cost? How many months of savings is that?",
            "The wage is only a share of the employer's cost per hour.",
            "hours * wage / wage_share / saved",
        ),
        mistakes=(
            Mistake(
                lambda hours, wage, wage_share, saved: hours * wage / saved,
                "The employer pays more than the wage: insurance, pension, paid leave.",
            ),
            Mistake(
                lambda hours, wage, wage_share, saved: hours * wage * wage_share / saved,
                "The wage is only a share of the cost, so the cost is higher: divide.",
            ),
            Mistake(
                lambda hours, wage, wage_share, saved: saved / (hours * wage / wage_share),
                "That is the share of the work that a month pays back. The question asks for "
                "months.",
            ),
            Mistake(
                lambda hours, wage, wage_share, saved: hours / saved,
                "Those are hours per USD. What does an hour cost?",
            ),
        ),
    ),
)

PREDICTIONS = (
    GuessQuestion(
        id="plan.saving",
        question="The smallest variant that is accurate enough has a file several times smaller "
        "than float32's. How much cheaper is it per month, in the same runtime?",
        choices=("by about the same factor", "by about a tenth", "by less than a hundredth"),
        answer="by less than a hundredth",
        reason="You pay for people, for machines that you need in any case, and for bytes sent to "
        "users. None of them depends on the file, and the server's own work takes longer than "
        "the prediction.",
    ),
    GuessQuestion(
        id="plan.tail",
        question="A page asks 100 services and waits for all of them. Each service answers within "
        "100 ms in 99 of 100 calls, independently of the others. How many pages take longer than "
        "100 ms?",
        choices=("1 of 100", "about 10 of 100", "about 63 of 100"),
        answer="about 63 of 100",
        reason="One slow call is enough to make the page slow, and all 100 calls are fast with "
        "a probability of only 0.99 to the power of 100, which is 0.366. The more calls a request "
        "makes, the more users experience the slowest hundredth.",
    ),
    GuessQuestion(
        id="plan.matters",
        question="Each assumption moves through its range, one at a time. Which one changes the "
        "cost of your plan most?",
        choices=(
            "how fast the rented cores are",
            "how many hours people work for it",
            "how many bytes the protocol adds",
        ),
        answer="how many hours people work for it",
        reason="Hours are the largest part of this bill, and the least certain. Your time sheets "
        "tell you more about it than any benchmark.",
    ),
)
