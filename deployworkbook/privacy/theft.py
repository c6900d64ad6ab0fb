"""Model extraction: copy a model through its API, and what less talkative answers change."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.extraction import (
    agreements,
    extraction_hours,
    label_answer,
    rounded_answer,
)
from deployworkbook.formulas.shares import Share
from deployworkbook.privacy.learning import NetworkRecipe, in_turns, learn
from deployworkbook.privacy.networks import Floats, Predict, Weights, accuracy_of, answers_of
from deployworkbook.training.data import Split
from deployworkbook.validation import check_choice, check_integer, value_error


@dataclass(frozen=True)
class Defence:
    """What a server's answers leave out, and how many it gives.

    Args:
        digits: Decimal digits of each probability; ``None`` for all.
        label_only: Whether only the most likely class is named.
        limit_per_minute: Queries that a client may ask per minute; ``None`` for no limit. It is
            the server's to enforce; here it only prices the attack.

    Raises:
        ValueError: A number is out of range.
    """

    digits: int | None = None
    label_only: bool = False
    limit_per_minute: int | None = None

    def __post_init__(self) -> None:
        if self.digits is not None:
            check_integer("digits", self.digits, 0)
        check_choice("label_only", self.label_only, (False, True))
        if self.limit_per_minute is not None:
            check_integer("limit_per_minute", self.limit_per_minute, 1)

    def __str__(self) -> str:
        parts = []
        if self.label_only:
            parts.append("label only")
        elif self.digits is not None:
            parts.append(f"{self.digits} digits")
        if self.limit_per_minute is not None:
            parts.append(f"{self.limit_per_minute:,} a minute")
        return ", ".join(parts) or "none"

    def answer(self, probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return what a client gets to see.

        Args:
            probabilities: The model's, shape ``[n, classes]``.
        """
        known = np.asarray(probabilities, np.float64)
        if self.digits is None and not self.label_only:
            return known
        # Integers of 8 bits stand for 256ths, so that a model's answers don't quite sum to 1.
        known = known / known.sum(axis=1, keepdims=True)
        return label_answer(known) if self.label_only else rounded_answer(known, self.digits or 0)


@dataclass(frozen=True, eq=False)
class Extraction:
    """Copies of a model from more and more answers.

    Args:
        defence: What the answers left out.
        queries: Numbers of answers, rising.
        agreements: How often each copy names the model's class, on images that neither learned
            from.
        accuracies: How often each copy is right there.
        hours: How long the defence's limit makes the attacker wait for each; 0 without one.
        copy: The last copy.
    """

    defence: Defence
    queries: tuple[int, ...]
    agreements: tuple[Share, ...]
    accuracies: tuple[Share, ...]
    hours: tuple[float, ...]
    copy: Weights


@dataclass(frozen=True)
class DefenceCost:
    """What a defence costs those who ask in good faith.

    Args:
        defence: Which.
        accuracy: Of the answers that clients get to see; a tie goes to the first class.
        changed: Answers whose most likely class is another one, or no longer unique.
        lost_confidence: Mean absolute change of the probability of the class that was named.
        microseconds: Processor time per answer that the server spends on it.
    """

    defence: Defence
    accuracy: Share
    changed: Share
    lost_confidence: float
    microseconds: float


def extract_model(
    predict: Predict | Weights,
    queries: Floats,
    test: Split,
    *,
    counts: Sequence[int] = (100, 300, 1000, 3000),
    defence: Defence | None = None,
    hidden_units: int = 128,
    steps: int = 800,
    seed: int = 0,
) -> Extraction:
    """Copy a model by training a network on its answers.

    Args:
        predict: Function from images to probabilities: a client's, a runtime's, or any of yours;
            or a network's weights. It is asked about each image once.
        queries: The attacker's own images, which need no labels, shape ``[n, 28, 28]``.
        test: Images with labels on which the copies are compared with the model.
        counts: Numbers of queries, rising, at most n.
        defence: What the server leaves out of its answers; by default nothing.
        hidden_units: Width of the copies. The attacker needn't know the model's.
        steps: Number of steps that each copy is trained for, from however few answers, at least 1.
        seed: Seed of the copies.

    Raises:
        ValueError: ``counts`` don't rise, or there are too few images.
    """
    guard = defence or Defence()
    sizes = [check_integer("counts", count, 1, len(queries)) for count in counts]
    if not sizes or sizes != sorted(set(sizes)):
        raise value_error("counts", received=str(list(counts)), expected="rising numbers")
    truth = answers_of(predict, test.images)
    said = guard.answer(answers_of(predict, queries[: sizes[-1]]))
    # Rounding leaves answers that don't quite sum to 1, and a few that say nothing.
    totals = said.sum(axis=1, keepdims=True)
    targets = np.where(totals > 0, said / np.where(totals > 0, totals, 1.0), 1.0 / said.shape[1])
    made = check_integer("steps", steps, 1)

    def copied(size: int) -> Weights:
        recipe = NetworkRecipe(hidden_units=hidden_units, batch_size=min(64, size), seed=seed)
        epochs = -(-made * recipe.batch_size // size)
        return learn(queries[:size], targets[:size], replace(recipe, epochs=epochs))

    copies = in_turns(copied, sizes)
    same = [Share(agreements(truth, answers_of(each, test.images)), len(test)) for each in copies]
    correct = [accuracy_of(each, test) for each in copies]
    hours = np.zeros(len(sizes))
    if guard.limit_per_minute is not None:
        hours = extraction_hours(sizes, limit_per_minute=guard.limit_per_minute)
    return Extraction(
        guard, tuple(sizes), tuple(same), tuple(correct), tuple(hours.tolist()), copies[-1]
    )


def defence_cost(predict: Predict | Weights, test: Split, defence: Defence) -> DefenceCost:
    """Measure what a defence costs those who ask in good faith.

    Args:
        predict: The model, as for ``extract_model``.
        test: Images with labels.
        defence: What the server leaves out.
    """
    truth = answers_of(predict, test.images)
    start = time.process_time()
    said = defence.answer(truth)
    seconds = time.process_time() - start
    classes, rows = truth.argmax(axis=1), np.arange(len(truth))
    largest = said.max(axis=1)
    is_unique = (said == largest[:, None]).sum(axis=1) == 1
    changed = (said.argmax(axis=1) != classes) | ~is_unique
    return DefenceCost(
        defence=defence,
        accuracy=Share(int((said.argmax(axis=1) == test.labels).sum()), len(test)),
        changed=Share(int(changed.sum()), len(test)),
        lost_confidence=float(np.abs(said - truth)[rows, classes].mean()),
        microseconds=1e6 * seconds / len(test),
    )
