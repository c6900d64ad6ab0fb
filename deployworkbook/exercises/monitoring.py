"""The exercises of lesson 11: counters, percentiles, error budgets, windows and many looks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from deployworkbook.exercises.declaration import Exercise, GuessQuestion, Mistake
from deployworkbook.formulas.false_alarms import rate_over_looks
from deployworkbook.formulas.slo import PERIOD_H, burn_rate

READINGS = (
    ([100.0, 130.0, 150.0, 20.0, 60.0, 60.0],),
    ([7.0, 7.0, 9.0],),
    ([50.0, 0.0, 30.0, 10.0],),
)
# Failed and all requests per minute, long and short window, burn rate, objective.
MINUTES = (
    ([0, 0, 5, 5, 5, 5, 0, 0, 0, 0], [100] * 10, 4, 2, 20.0, 0.999),
    ([0, 3, 0, 0, 8, 8, 8, 0], [100, 50, 0, 0, 100, 100, 100, 100], 3, 1, 5.0, 0.99),
    ([0, 1, 0, 0, 0, 6, 0], [100] * 7, 5, 2, 4.0, 0.99),
)
# The value of χ² with 9 degrees of freedom that chance exceeds in 1 % of cases.
CHI_SQUARED_9 = 21.67


def _increase(readings: Sequence[float]) -> float:
    """Count what a counter counted, with restarts from 0."""
    steps = pairwise(readings)
    return float(sum(b - a if b >= a else b for a, b in steps))


def _share(failed: Sequence[float], total: Sequence[float], at: int, minutes: int) -> float:
    """Return the share of failures in the last minutes up to and including one."""
    start = max(0, at + 1 - minutes)
    requests = sum(total[start : at + 1])
    return sum(failed[start : at + 1]) / requests if requests else 0.0


def _fires(
    failed: Sequence[float],
    total: Sequence[float],
    long: int,
    short: int,
    burn: float,
    objective: float,
) -> list[bool]:
    """Tell after each minute whether both windows burn faster than the limit."""
    limit = burn * (1.0 - objective)
    return [
        _share(failed, total, at, long) > limit and _share(failed, total, at, short) > limit
        for at in range(len(total))
    ]


def _mean_of_minutes(
    failed: Sequence[float], total: Sequence[float], at: int, minutes: int
) -> float:
    """Return the mean of the minutes' own shares of failures, which is not the window's share."""
    start = max(0, at + 1 - minutes)
    pairs = zip(failed[start : at + 1], total[start : at + 1], strict=True)
    return float(np.mean([bad / every if every else 0.0 for bad, every in pairs]))


EXERCISES = (
    Exercise(
        id="monitoring.increase",
        expected="a function of a list of readings that returns a number of events",
        reference=_increase,
        cases=READINGS,
        hints=(
            "Go from reading to reading. What happened if one is below its predecessor?",
            "Then the server started again, and the counter from 0: it counted up to the reading.",
            "sum(b - a if b >= a else b for a, b in zip(readings, readings[1:]))",
        ),
        mistakes=(
            Mistake(
                lambda r: r[-1] - r[0],
                "That is the last reading minus the first. The server has started again in "
                "between, and the counter with it.",
            ),
            Mistake(
                lambda r: float(sum(max(0.0, b - a) for a, b in pairwise(r))),
                "You have left out what was counted between the restart and the next reading: it "
                "is at least that reading.",
            ),
            Mistake(
                lambda r: float(sum(abs(b - a) for a, b in pairwise(r))),
                "A counter never counts down. After a restart, the size of the drop says nothing.",
            ),
            Mistake(
                lambda r: _increase(r) + r[0],
                "What was counted before the first reading is not part of it.",
            ),
        ),
    ),
    Exercise(
        id="monitoring.merge",
        expected="a share between 0 and 1, such as 0.2 for 20 %",
        reference=59 / 1000,
        relative_tolerance=1e-3,
        hints=(
            "How many of all 1,000 requests took longer than 100 ms?",
            "9 of one replica and 50 of the other.",
            "59 / 1000",
        ),
        mistakes=(
            Mistake(
                (9 / 900 + 50 / 100) / 2,
                "That is the average of both shares. Replica B answered a tenth of the requests, "
                "so it must not count for half. Add the counts first.",
            ),
            Mistake(59, "That is their number. The question asks for the share of all requests."),
            Mistake(5.9, "That is in per cent. Give the share: 0.059 would be 5.9 %."),
            Mistake(9 / 900 + 50 / 100, "Shares of different totals can't be added."),
        ),
    ),
    Exercise(
        id="monitoring.budget",
        expected="a share between 0 and 1",
        reference=float(burn_rate(0.01, 0.995)) * 6 * 24 / PERIOD_H,
        relative_tolerance=1e-3,
        hints=(
            "What is the burn rate, if 1 % fail and half a per cent may?",
            "At a burn rate of 2, six days cost what twelve days may cost.",
            "2 * 6 / 30",
        ),
        mistakes=(
            Mistake(2.0, "That is the burn rate. The budget is for 30 days; how much do six use?"),
            Mistake(0.2, "That is the share of the month that has passed, at a burn rate of 1."),
            Mistake(0.6, "That is the share that is left."),
            Mistake(0.002, "That is 1 % of six days, as a share of 30. But only 0.5 % may fail."),
        ),
    ),
    Exercise(
        id="monitoring.fires",
        expected="a function of failed, total, long, short, burn and objective that returns a list "
        "of True and False, one per minute",
        reference=_fires,
        cases=MINUTES,
        hints=(
            "For the end of each minute: add up the failed requests of the window, and all "
            "requests of the window, and divide the sums. Do so for both windows.",
            "The alert fires if both shares are above burn * (1 - objective). The window of the "
            "last n minutes up to minute i is failed[max(0, i + 1 - n) : i + 1].",
            "Write a helper share(i, n): requests = sum(total[max(0, i + 1 - n) : i + 1]), then "
            "sum(failed[...]) / requests if requests else 0. Return [share(i, long) > limit and "
            "share(i, short) > limit for i in range(len(total))].",
        ),
        mistakes=(
            Mistake(
                lambda f, t, long, short, burn, o: [
                    _share(f, t, at, long) > burn * (1 - o) for at in range(len(t))
                ],
                "You look at the long window only, so the alert goes on long after the errors. "
                "Both windows must be above the limit.",
            ),
            Mistake(
                lambda f, t, long, short, burn, o: [
                    _share(f, t, at, short) > burn * (1 - o) for at in range(len(t))
                ],
                "You look at the short window only, so even a brief spike sets it off. Both "
                "windows must be above the limit.",
            ),
            Mistake(
                lambda f, t, long, short, burn, o: [
                    any(_share(f, t, at, n) > burn * (1 - o) for n in (long, short))
                    for at in range(len(t))
                ],
                "One window is enough for your alert. It takes both.",
            ),
            Mistake(
                lambda f, t, long, short, burn, o: [
                    all(_mean_of_minutes(f, t, at, n) > burn * (1 - o) for n in (long, short))
                    for at in range(len(t))
                ],
                "You average the shares of the minutes. A minute with few requests then counts as "
                "much as a busy one. Add up the counts of the window first.",
            ),
            Mistake(
                lambda f, t, long, short, burn, o: _fires(f, t, long, short, 1.0, o),
                "The burn rate is missing: the limit is burn * (1 - objective).",
            ),
        ),
    ),
    Exercise(
        id="monitoring.window",
        expected="a number of images",
        reference=225,
        hints=(
            "Write the threshold for 1 % down: (1/n + 1/6000) times 21.67. It has to be below 0.1.",
            "Solve 1/n + 1/6000 < 0.1 / 21.67 for n, and round up.",
            "1 / (0.1 / 21.67 - 1 / 6000) is 224.8",
        ),
        mistakes=(
            Mistake(224, "You have rounded down: at 224 images it is still just above 1 %."),
            Mistake(
                int(np.ceil(CHI_SQUARED_9 / 0.1)),
                "You have left out the reference: it is a sample too, of 6,000 images.",
            ),
            Mistake(
                1 / (0.1 / CHI_SQUARED_9 - 1 / 6000),
                "Images come whole. From which number on is it below?",
            ),
        ),
    ),
    Exercise(
        id="monitoring.peeking",
        expected="a number of false alarms",
        reference=7.2,
        relative_tolerance=1e-3,
        hints=(
            "How many tests does the team run in 30 days?",
            "Each of the 720 tests is a false alarm with a probability of 1 %.",
            "30 * 24 * 0.01",
        ),
        mistakes=(
            Mistake(0.3, "That is one test a day. This team tests every hour."),
            Mistake(
                float(rate_over_looks(0.01, 720)),
                "That is the probability of at least one. The question asks how many to expect.",
            ),
            Mistake(0.01, "That is for a single test."),
        ),
    ),
)

PREDICTIONS = (
    GuessQuestion(
        id="monitoring.spike",
        question="Your objective is 99.9 %. For two minutes every request fails, then all is well. "
        "Does anybody get a page?",
        choices=("yes, at once", "yes, after an hour", "no"),
        answer="yes, at once",
        reason="In an hour, two minutes are 3.3 % of the requests, which is 33 times what may "
        "fail. That is above 14.4, so the page comes before the two minutes are over. Two minutes "
        "in which a tenth of the requests fail use a tenth of that, and page nobody.",
    ),
    GuessQuestion(
        id="monitoring.small_windows",
        question="Nothing has changed. You compare 50 images at a time with the reference, in ten "
        "bins. In what share of windows is the index above 0.1?",
        choices=("in about 1 %", "in about 10 %", "in most of them"),
        answer="in most of them",
        reason="Ten bins of 50 images hold about five each, and five is often three or eight by "
        "chance. On average, chance alone gives an index of about 9 / 50.",
    ),
    GuessQuestion(
        id="monitoring.inverted",
        question="Black and white are swapped in all images. The model now gets nearly all of them "
        "wrong. How sure will it be of its answers, on average?",
        choices=("hardly at all, about 10 %", "about 50 %", "very sure, well above 50 %"),
        answer="very sure, well above 50 %",
        reason="Its confidence was only ever trained on white digits on black. Far away from them "
        "the logits are large, and large logits look like certainty.",
    ),
    GuessQuestion(
        id="monitoring.peeking",
        question="A test for drift has a false-alarm rate of 1 %. You run it on 100 windows of "
        "clean images. How likely is at least one alarm?",
        choices=("1 %", "about 10 %", "about 63 %"),
        answer="about 63 %",
        reason="All 100 stay silent with the probability 0.99 to the power of 100, which is 37 %.",
    ),
)
