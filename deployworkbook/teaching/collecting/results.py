"""What a class's answers are worth: by learner, and by exercise."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from deployworkbook.exercises.registry import EXERCISES
from deployworkbook.teaching.collecting.calling import Isolation
from deployworkbook.teaching.collecting.reading import Refused

# Texts, and how often each comes.
Counted = tuple[tuple[str, int], ...]

# Wrong answers without a hint that are listed of an exercise.
MOST_OTHERS = 3


@dataclass(frozen=True)
class Attempt:
    """What a learner's answers to an exercise are worth.

    Args:
        is_solved: Whether one of them is right.
        tries: How many different answers were handed in, judged or not.
        mistakes: Texts of the common mistakes among them.
        others: The other wrong ones, as sentences.
        unjudged: How many couldn't be judged.
        reasons: Why, as sentences, and for how many.
        looked_up: How many of those look the right answer up in the package.
        stated_tries: How many different answers the learner's folder counted; not checked, and
            more than ``tries`` if old answers weren't kept.
    """

    is_solved: bool
    tries: int
    mistakes: tuple[str, ...]
    others: tuple[str, ...]
    unjudged: int
    reasons: Counted
    looked_up: int
    stated_tries: int


@dataclass(frozen=True)
class Learner:
    """A learner's answers, judged.

    Args:
        pseudonym: The name that the learner goes by.
        attempts: What was tried, by exercise.
    """

    pseudonym: str
    attempts: dict[str, Attempt]


@dataclass(frozen=True)
class ExerciseRow:
    """How a class did in an exercise.

    Args:
        exercise: Name of the exercise.
        solved: Number of learners with a right answer.
        tried: Number of learners with an answer.
        median_tries: Median of their numbers of different answers.
        unjudged: Number of answers that couldn't be judged.
        reasons: Why, as sentences, and the number of answers for each; most frequent first.
        looked_up: How many of those look the right answer up in the package.
        mistakes: Common mistakes, and the number of learners who made each; most frequent first.
        others: Other wrong answers, as sentences, and the number of learners who gave each; the
            most frequent ones.
    """

    exercise: str
    solved: int
    tried: int
    median_tries: float
    unjudged: int
    reasons: Counted
    looked_up: int
    mistakes: Counted
    others: Counted


@dataclass(frozen=True)
class Collection:
    """A class's answers, judged.

    Args:
        learners: By pseudonym.
        refused: Files that aren't used.
        isolation: How functions were called.
    """

    learners: list[Learner]
    refused: list[Refused]
    isolation: Isolation

    def rows(self) -> list[ExerciseRow]:
        """Return how the class did, in the lessons' order."""
        return [
            _row(name, attempts)
            for name in EXERCISES
            if (
                attempts := [each.attempts[name] for each in self.learners if name in each.attempts]
            )
        ]


def _row(exercise: str, attempts: list[Attempt]) -> ExerciseRow:
    mistakes = Counter(text for attempt in attempts for text in attempt.mistakes)
    others = Counter(text for attempt in attempts for text in attempt.others)
    return ExerciseRow(
        exercise,
        solved=sum(each.is_solved for each in attempts),
        tried=len(attempts),
        median_tries=statistics.median(each.tries for each in attempts),
        unjudged=sum(each.unjudged for each in attempts),
        reasons=counted(pair for each in attempts for pair in each.reasons),
        looked_up=sum(each.looked_up for each in attempts),
        mistakes=tuple(mistakes.most_common()),
        others=tuple(others.most_common(MOST_OTHERS)),
    )


def counted(pairs: Iterable[tuple[str, int]]) -> Counted:
    """Add up how often each text comes, most frequent first.

    Args:
        pairs: Texts, and how often each comes.

    >>> counted([("a", 1), ("b", 2), ("a", 2)])
    (('a', 3), ('b', 2))
    """
    total: Counter[str] = Counter()
    for text, count in pairs:
        total[text] += count
    return tuple(total.most_common())
