"""Calibration: against scikit-learn and SciPy, and on models made calibrated."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import log_softmax, softmax
from sklearn.calibration import calibration_curve

from deployworkbook.formulas.calibration import (
    expected_calibration_error,
    fit_temperature,
    reliability,
    top_confidence,
)


def answers(temperature=1.0, n=4000, seed=0):
    """Logits, and labels drawn from their softmax: they fit at this temperature."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(n, 10)) * 3
    chances = softmax(logits / temperature, axis=1)
    labels = (np.cumsum(chances, axis=1) < generator.random((n, 1))).sum(axis=1)
    return logits, labels


@pytest.fixture(scope="module")
def answered():
    logits, labels = answers()
    probabilities = softmax(logits, axis=1)
    return top_confidence(probabilities), probabilities.argmax(axis=1) == labels


def test_the_diagram_equals_scikit_learn(answered):
    confidences, correct = answered
    diagram = reliability(confidences, correct, bins=8)
    accuracy, confidence = calibration_curve(correct, confidences, n_bins=8)
    held = diagram.counts > 0
    assert diagram.accuracy[held] == pytest.approx(accuracy, abs=1e-9)
    assert diagram.confidence[held] == pytest.approx(confidence, abs=1e-9)
    assert diagram.counts.sum() == len(correct)
    assert np.isnan(diagram.gaps[~held]).all()


def test_the_error_by_hand():
    # Two bins: .9 and .7 of which one is right, 1 of 2; .3, wrong.
    error = expected_calibration_error([0.9, 0.7, 0.3], [1, 0, 0], bins=2)
    assert error == pytest.approx((2 * 0.3 + 1 * 0.3) / 3)


def test_a_confidence_at_an_edge_belongs_below():
    assert reliability([0.0, 0.5, 1.0], [1, 1, 1], bins=2).counts.tolist() == [2, 1]


def test_a_calibrated_model_has_a_small_error_and_an_oversure_one_a_large(answered):
    assert expected_calibration_error(*answered) < 0.03
    logits, labels = answers(temperature=3.0)
    sure = softmax(logits, axis=1)
    error = expected_calibration_error(top_confidence(sure), sure.argmax(axis=1) == labels)
    assert error > 0.2


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_is_where_scipy_finds_the_slope_zero(temperature):
    logits, labels = answers(temperature)

    def slope(inverse):
        step = 1e-5
        losses = [
            -log_softmax(logits * each, axis=1)[np.arange(len(labels)), labels].mean()
            for each in (inverse + step, inverse - step)
        ]
        return losses[0] - losses[1]

    found = fit_temperature(logits, labels)
    # Rounding of the losses' difference limits SciPy's.
    assert found == pytest.approx(1 / brentq(slope, 0.01, 10), rel=1e-6)
    assert found == pytest.approx(temperature, rel=0.05)
    exact = (softmax(logits / found, axis=1) * logits).sum(axis=1).mean()
    assert exact == pytest.approx(logits[np.arange(len(labels)), labels].mean(), abs=1e-9)


@pytest.mark.parametrize("labels", [[0, 1], [1, 0]], ids=["all right", "all wrong"])
def test_logits_that_no_temperature_fits_are_refused(labels):
    with pytest.raises(ValueError, match="more held-out images"):
        fit_temperature([[2.0, 0.0], [0.0, 2.0]], labels)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: reliability([0.5], [1, 0]), "correct"),
        (lambda: reliability([1.5], [1]), "confidences"),
        (lambda: top_confidence([[0.5, 0.2]]), "probabilities"),
        (lambda: fit_temperature([[1.0, 0.0]], [0, 1]), "labels"),
    ],
)
def test_arguments_out_of_range_are_refused(call, match):
    with pytest.raises(ValueError, match=match):
        call()
