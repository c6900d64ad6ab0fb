"""Scores of membership inference, and how they are judged."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.metrics import roc_curve as reference_curve

from deployworkbook.formulas.activations import softmax
from deployworkbook.formulas.membership import (
    area_interval,
    area_under_curve,
    likelihood_ratios,
    logit_margins,
    members_found,
    roc_curve,
)

GENERATOR = np.random.default_rng(0)
# Rounded, so that many are equal.
MEMBERS = GENERATOR.normal(0.5, 1.0, 300).round(1)
OTHERS = GENERATOR.normal(0.0, 1.0, 200).round(1)


def test_margins_are_log_odds_of_the_true_class_and_survive_saturation():
    logits = GENERATOR.normal(size=(5, 4))
    labels = np.array([0, 3, 1, 1, 2])
    chance = softmax(logits)[np.arange(5), labels]
    np.testing.assert_allclose(logit_margins(logits, labels), np.log(chance / (1 - chance)))
    sure = logit_margins([[800.0, 0.0], [900.0, 0.0]], [0, 0])
    np.testing.assert_allclose(sure, [800, 900])


def test_area_and_curve_are_scikit_learns():
    truth = np.r_[np.ones(len(MEMBERS)), np.zeros(len(OTHERS))]
    scores = np.r_[MEMBERS, OTHERS]
    assert area_under_curve(MEMBERS, OTHERS) == pytest.approx(roc_auc_score(truth, scores))
    curve = roc_curve(MEMBERS, OTHERS)
    false, true, _ = reference_curve(truth, scores, drop_intermediate=False)
    np.testing.assert_allclose(curve.false_positive_rate, false)
    np.testing.assert_allclose(curve.true_positive_rate, true)


def test_interval_of_the_area_contains_the_truth_as_often_as_it_says():
    # Two normal distributions one standard deviation apart: Φ(1/√2).
    truth, hits = 0.7602, 0
    generator = np.random.default_rng(1)
    for _ in range(300):
        low, high = area_interval(generator.normal(1, 1, 60), generator.normal(0, 1, 80))
        hits += low <= truth <= high
    assert 0.91 <= hits / 300 <= 0.98


def test_members_are_counted_above_what_accuses_too_many():
    assert members_found(np.ones(10), np.ones(100)) == 0
    assert members_found([5.0, 3.0], np.arange(100) / 25, false_positive_rate=0.01) == 1
    found = members_found(MEMBERS, OTHERS, false_positive_rate=0.1)
    curve = roc_curve(MEMBERS, OTHERS)
    allowed = curve.false_positive_rate <= 0.1
    assert found / len(MEMBERS) == pytest.approx(curve.true_positive_rate[allowed].max())


def test_shadow_models_find_members_that_a_threshold_cannot():
    """Some examples are easier than others; only the shadow models know which."""
    generator = np.random.default_rng(2)
    ease = generator.normal(0, 10, 400)
    inside = generator.permuted(np.tile([[True], [False]], (4, 400)), axis=0)
    shadows = ease + inside + generator.normal(0, 0.5, inside.shape)
    member = np.arange(400) < 200
    target = ease + member + generator.normal(0, 0.5, 400)
    scores = likelihood_ratios(target, shadows, inside)
    assert area_under_curve(target[member], target[~member]) < 0.65
    assert area_under_curve(scores[member], scores[~member]) > 0.85


def test_ratios_are_those_of_the_two_normal_distributions():
    inside = np.array([[True, True], [True, False], [False, True], [False, False]])
    shadows = np.array([[3.0, 5.0], [5.0, 1.0], [0.0, 6.0], [2.0, 4.0]])
    # In: means 4 and 5.5, squares 2 + 0.5 of 4 - 2 degrees; out: means 1 and 2.5, squares 2 + 4.5.
    spread_in, spread_out = 1.25, 3.25
    expected = [
        -((2 - m_in) ** 2) / (2 * spread_in)
        + (2 - m_out) ** 2 / (2 * spread_out)
        - 0.5 * np.log(spread_in / spread_out)
        for m_in, m_out in ((4, 1), (5.5, 2.5))
    ]
    np.testing.assert_allclose(likelihood_ratios([2.0, 2.0], shadows, inside), expected)


def test_an_example_that_no_shadow_model_saw_is_refused():
    with pytest.raises(ValueError, match="0 shadow models were trained with"):
        likelihood_ratios([0.0], [[1.0], [2.0]], [[False], [False]])
