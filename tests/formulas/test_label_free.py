"""Accuracy without labels: right where confidence means what it did, wrong where it doesn't."""

import numpy as np
import pytest
from scipy.stats import entropy

from deployworkbook.formulas.label_free import (
    average_thresholded_confidence,
    confidence_based_accuracy,
    confidence_based_spread,
    confidence_threshold,
    difference_of_confidences,
    negative_entropy,
)


def calibrated(low, n=20_000, seed=0):
    """Confidences from ``low`` to 1, and answers that are right that often."""
    generator = np.random.default_rng(seed)
    confidences = generator.uniform(low, 1.0, n)
    return confidences, generator.random(n) < confidences


def test_a_calibrated_models_estimate_follows_harder_images():
    reference, correct = calibrated(0.9)
    harder, truth = calibrated(0.5, seed=1)
    # Four standard deviations of the truth around the estimate.
    within = 4 * float(confidence_based_spread(harder))
    assert confidence_based_accuracy(harder) == pytest.approx(truth.mean(), abs=within)
    by_difference = difference_of_confidences(harder, reference, correct.mean())
    assert by_difference == pytest.approx(truth.mean(), abs=2 * within)


def test_the_spread_is_that_of_simulated_windows():
    confidences = np.random.default_rng(2).uniform(0.3, 1.0, 200)
    right = np.random.default_rng(3).random((20_000, 200)) < confidences
    spread = right.mean(axis=1).std()
    # The standard error of a standard deviation of 20,000 is half a percent.
    assert confidence_based_spread(confidences) == pytest.approx(spread, rel=0.02)


def test_a_constant_excess_of_confidence_is_corrected_by_the_difference():
    """Answers are right a tenth less often than the model says, on both."""
    generator = np.random.default_rng(4)
    reference, harder = generator.uniform(0.6, 1, 20_000), generator.uniform(0.4, 1, 20_000)
    correct, truth = (generator.random(20_000) < each - 0.1 for each in (reference, harder))
    estimate = difference_of_confidences(harder, reference, correct.mean())
    assert estimate == pytest.approx(truth.mean(), abs=0.02)
    assert confidence_based_accuracy(harder) - truth.mean() > 0.08


def test_swapped_labels_change_no_estimate():
    confidences, truth = calibrated(0.9)
    estimate = confidence_based_accuracy(confidences)
    assert estimate == pytest.approx(truth.mean(), abs=0.01)
    assert estimate - (~truth).mean() > 0.8  # every label is another: nothing shows


def test_entropy_equals_scipy_even_with_zeros():
    p = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [0.0, 0.5, 0.5]])
    assert negative_entropy(p) == pytest.approx(-entropy(p, axis=1), abs=1e-9)


@pytest.mark.parametrize("right", [0, 1, 37, 100])
def test_the_threshold_reproduces_the_references_accuracy(right):
    scores = np.random.default_rng(5).permutation(100) / 100
    correct = np.arange(100) < right
    threshold = confidence_threshold(scores, correct)
    assert average_thresholded_confidence(scores, threshold) == right / 100


def test_windows_are_estimated_each():
    windows = np.array([[0.9, 0.8, 0.1], [0.2, 0.3, 0.4]])
    assert average_thresholded_confidence(windows, 0.8) == pytest.approx([2 / 3, 0])
    assert confidence_based_accuracy(windows) == pytest.approx([0.6, 0.3])
    assert confidence_based_spread(windows).shape == (2,)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: confidence_based_accuracy([1.2]), "confidences"),
        (lambda: difference_of_confidences([0.5], [0.5], 97.0), "reference_accuracy"),
        (lambda: confidence_threshold([0.5, 0.6], [1]), "correct"),
        (lambda: average_thresholded_confidence([np.nan], 0.5), "scores"),
    ],
)
def test_arguments_out_of_range_are_refused(call, match):
    with pytest.raises(ValueError, match=match):
        call()
