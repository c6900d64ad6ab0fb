"""Membership inference: was an example among those that a model was trained on?

An attacker asks the model about the example and turns its answer into a score. The higher the
score, the more likely the example is a member. Two scores:

- ``logit_margins``: how sure the model is of the true class. Members tend to have larger margins,
  but so do easy examples.
- ``likelihood_ratios`` (LiRA): the same margin, compared with what models with and without this
  example say. These are shadow models, which the attacker trains on data of the same kind.

An attack is judged by how many members it finds at few false accusations, more than by the area
under its curve: finding one member in ten for sure is worse than guessing slightly better on all.

Source: N. Carlini et al., "Membership inference attacks from first principles", IEEE S&P 2022.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.whole_numbers import rounded_down
from deployworkbook.validation import (
    check_array,
    check_integer,
    check_labels,
    check_number,
    check_same_shape,
    describe,
    value_error,
)

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Roc:
    """How many members an attack finds, by how many others it accuses.

    Args:
        false_positive_rate: Share of the others at or above each threshold, rising from 0 to 1,
            shape ``[points]``.
        true_positive_rate: Share of the members at or above it, rising from 0 to 1.
    """

    false_positive_rate: Array
    true_positive_rate: Array


def logit_margins(logits: ArrayLike, labels: ArrayLike) -> Array:
    """Return how far a model prefers each true class to all others together.

        φ = z_y - log Σ_(k≠y) e^z_k = log(p_y / (1 - p_y))

    From logits, because probabilities close to 1 are rounded to 1: many members would then have
    the same score.

    Args:
        logits: z, shape ``[..., n, classes]``, at least two classes.
        labels: y, shape ``[n]``.

    Returns:
        Shape ``[..., n]``.

    Raises:
        TypeError: The labels are not whole numbers.
        ValueError: The shapes do not match, or a label is out of range.

    >>> logit_margins([[2.0, 0.0, 0.0]], [0]).round(4)  # 2 - log 2
    array([1.3069])
    """
    values = check_array("logits", logits, shape=(None, None))
    count, classes = values.shape[-2:]
    if classes < 2:
        raise value_error("logits", received=describe(values), expected="at least two classes")
    truth = check_labels("labels", labels, classes)
    if len(truth) != count:
        raise value_error("labels", received=f"{len(truth)}", expected=f"{count}, one per row")
    rows = np.arange(count)
    others = values.copy()
    others[..., rows, truth] = -np.inf
    largest = others.max(axis=-1, keepdims=True)
    rest = largest[..., 0] + np.log(np.exp(others - largest).sum(axis=-1))
    return np.asarray(values[..., rows, truth] - rest)


def likelihood_ratios(observed: ArrayLike, shadows: ArrayLike, members: ArrayLike) -> Array:
    """Return LiRA's score: how much better "trained with it" explains a margin than "without".

        Λ = log N(φ; μ_in, s²_in) - log N(φ; μ_out, s²_out)

    μ_in is the mean margin of the example in the shadow models that were trained with it. The
    variances are shared by all examples, because a few shadow models can't tell them apart.

    Args:
        observed: φ, the attacked model's margins, shape ``[n]``.
        shadows: The shadow models' margins, shape ``[shadows, n]``.
        members: Whether each shadow model was trained with each example, of the same shape; each
            example needs a shadow model with it and one without it, and some need two of each.

    Returns:
        Shape ``[n]``; above 0 where "with it" is more likely.

    Raises:
        ValueError: The shapes differ, or shadow models are missing.

    >>> with_it = [[True], [True], [False], [False]]
    >>> likelihood_ratios([2.0], [[1.0], [3.0], [-1.0], [1.0]], with_it)  # means 2, 0; variances 2
    array([1.])
    """
    values = check_array("observed", observed, ndim=1)
    known = check_array("shadows", shadows, ndim=2, shape=values.shape)
    inside = np.asarray(members)
    check_same_shape("shadows", known, "members", inside)
    if inside.dtype != bool:
        raise value_error("members", received=describe(inside), expected="True and False")
    scores = np.zeros_like(values)
    for chosen, sign in ((inside, 1.0), (~inside, -1.0)):
        counts = chosen.sum(axis=0)
        if counts.min() < 1 or counts.max() < 2:
            fewest = int(counts.min())
            raise value_error(
                "members",
                received=f"an example that {fewest} shadow models were trained "
                + ("with" if sign > 0 else "without"),
                expected="at least one for each example, and two for some",
                remedy="Train more shadow models, each on a random half of the examples.",
            )
        means = (known * chosen).sum(axis=0) / counts
        squares = ((known - means) ** 2 * chosen).sum()
        variance = squares / (counts.sum() - len(counts))
        if variance == 0:
            received, expected = "shadow models that all say the same", "margins that differ"
            raise value_error("shadows", received=received, expected=expected)
        scores -= sign * 0.5 * ((values - means) ** 2 / variance + np.log(variance))
    return np.asarray(scores)


def roc_curve(member_scores: ArrayLike, other_scores: ArrayLike) -> Roc:
    """Return the attack's curve over all thresholds; equal scores are accused together.

    Args:
        member_scores: Scores of examples that the model was trained on, shape ``[m]``.
        other_scores: Scores of others of the same kind, shape ``[n]``.

    Raises:
        ValueError: A score is not finite, or there are none.

    >>> curve = roc_curve([3.0, 1.0], [2.0, 0.0])
    >>> curve.false_positive_rate, curve.true_positive_rate
    (array([0. , 0. , 0.5, 0.5, 1. ]), array([0. , 0.5, 0.5, 1. , 1. ]))
    """
    inside, outside = _scores(member_scores, other_scores)
    thresholds = np.unique(np.concatenate([inside, outside]))[::-1]

    def shares(scores: Array) -> Array:
        below = np.searchsorted(np.sort(scores), thresholds, side="left")
        return np.asarray(np.r_[0.0, 1.0 - below / len(scores)])

    return Roc(shares(outside), shares(inside))


def area_under_curve(member_scores: ArrayLike, other_scores: ArrayLike) -> float:
    """Return the probability that a random member scores higher than a random other.

        AUC = P(s_member > s_other) + ½ P(s_member = s_other)

    Args:
        member_scores: Shape ``[m]``.
        other_scores: Shape ``[n]``.

    Returns:
        0.5 for guessing, 1 for an attack that is always right.

    Raises:
        ValueError: A score is not finite, or there are none.

    >>> area_under_curve([3.0, 1.0], [2.0, 0.0])  # three of the four pairs
    0.75
    """
    return float(_wins(*_scores(member_scores, other_scores)).mean())


def area_interval(
    member_scores: ArrayLike, other_scores: ArrayLike, *, confidence: float = 0.95
) -> tuple[float, float]:
    """Bound the area under the curve of this one model, over the chance of which examples it saw.

        AUC ± z √(Var(V_m) / m + Var(V_n) / n)

    V_m is each member's share of others that it beats, V_n each other's share of members that it
    loses to. Another model, trained from another seed, may leak more or less than that.

    Args:
        member_scores: Shape ``[m]``, at least two.
        other_scores: Shape ``[n]``, at least two.
        confidence: How often such an interval contains the true area, in (0, 1).

    Returns:
        The lower and the upper end, within 0 … 1.

    Raises:
        ValueError: A score is not finite, or there are fewer than two.

    Source: E. DeLong, D. DeLong and D. Clarke-Pearson, "Comparing the areas under two or more
    correlated receiver operating characteristic curves", Biometrics 44, 1988.

    >>> low, high = area_interval([3.0, 1.0, 2.5], [2.0, 0.0, 1.5])
    >>> round(low, 3), round(high, 3)
    (0.291, 1.0)
    """
    inside, outside = _scores(member_scores, other_scores)
    for name, scores in (("member_scores", inside), ("other_scores", outside)):
        check_integer(f"number of {name}", len(scores), 2)
    level = check_number("confidence", confidence, 0, 1, open_low=True, open_high=True)
    by_member = _wins(inside, outside)
    by_other = 1.0 - _wins(outside, inside)
    variance = by_member.var(ddof=1) / len(inside) + by_other.var(ddof=1) / len(outside)
    reach = NormalDist().inv_cdf(0.5 + level / 2) * float(np.sqrt(variance))
    centre = float(by_member.mean())
    return max(0.0, centre - reach), min(1.0, centre + reach)


def members_found(
    member_scores: ArrayLike, other_scores: ArrayLike, *, false_positive_rate: float = 0.01
) -> int:
    """Count the members above the lowest threshold that accuses few enough others.

    A member with the same score as the first other that would be too many isn't counted.

    Args:
        member_scores: Shape ``[m]``.
        other_scores: Shape ``[n]``.
        false_positive_rate: Largest share of the others that may be accused, in [0, 1).

    Returns:
        From 0 to m. ``intervals.wilson_interval(found, m)`` bounds their share.

    Raises:
        ValueError: A score is not finite, there are none, or the rate is out of range.

    >>> members_found([9, 8, 5, 1], range(8), false_positive_rate=0.25)  # may accuse 6 and 7
    2
    """
    inside, outside = _scores(member_scores, other_scores)
    rate = check_number("false_positive_rate", false_positive_rate, 0, 1, open_high=True)
    allowed = int(rounded_down(rate * len(outside)))
    border = np.sort(outside)[len(outside) - 1 - allowed]
    return int((inside > border).sum())


def _scores(member_scores: ArrayLike, other_scores: ArrayLike) -> tuple[Array, Array]:
    return (
        check_array("member_scores", member_scores, ndim=1),
        check_array("other_scores", other_scores, ndim=1),
    )


def _wins(first: Array, second: Array) -> Array:
    """Return each score's share of the second ones that it beats, counting ties as half."""
    ordered = np.sort(second)
    below = np.searchsorted(ordered, first, side="left")
    upto = np.searchsorted(ordered, first, side="right")
    return np.asarray((below + upto) / (2.0 * len(second)))
