"""The confusion matrix and accuracy."""

import numpy as np
import pytest
from sklearn import metrics

from deployworkbook.formulas.classification import accuracy, confusion_matrix


def test_matrix_and_accuracy_equal_scikit_learn():
    rng = np.random.default_rng(0)
    labels, predictions = rng.integers(0, 10, 500), rng.integers(0, 10, 500)

    ours = confusion_matrix(labels, predictions, 10)

    np.testing.assert_array_equal(ours, metrics.confusion_matrix(labels, predictions))
    assert accuracy(ours) == metrics.accuracy_score(labels, predictions)


def test_a_class_that_never_occurs_keeps_its_row():
    assert confusion_matrix([0, 2], [0, 2], 4).shape == (4, 4)


def test_a_prediction_out_of_range_is_refused():
    with pytest.raises(ValueError, match="predictions"):
        confusion_matrix([0, 1], [0, 2], 2)


def test_predictions_and_labels_must_have_equal_lengths():
    with pytest.raises(ValueError, match="predictions"):
        confusion_matrix([0, 1], [0], 2)
