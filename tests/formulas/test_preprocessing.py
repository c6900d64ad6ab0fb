"""Normalisation and standardisation."""

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from deployworkbook.formulas.preprocessing import Standardisation, normalise


def test_the_ends_of_the_interval_become_0_and_1():
    assert normalise([-1.0, 1.0, 3.0], -1, 3).tolist() == [0.0, 0.5, 1.0]


@pytest.mark.parametrize(("low", "high"), [(1, 1), (2, 1), (0, np.nan)])
def test_an_empty_interval_is_refused(low, high):
    with pytest.raises(ValueError, match="high"):
        normalise([1.0], low, high)


def test_standardisation_equals_scikit_learns_on_both_sets():
    rng = np.random.default_rng(0)
    train, test = rng.normal(3, 2, (50, 4)), rng.normal(3, 2, (20, 4))
    train[:, 2] = 7.0  # a pixel that never changes
    scaler = StandardScaler().fit(train)

    ours = Standardisation.learn(train)

    np.testing.assert_allclose(ours.apply(train), scaler.transform(train), atol=1e-12)
    np.testing.assert_allclose(ours.apply(test), scaler.transform(test), atol=1e-12)


def test_training_set_gets_mean_0_and_deviation_1():
    images = np.random.default_rng(1).random((40, 3, 3))
    scaled = Standardisation.learn(images).apply(images)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(scaled.std(axis=0), 1, atol=1e-12)


def test_mismatched_features_are_refused():
    with pytest.raises(ValueError, match="examples"):
        Standardisation.learn(np.ones((3, 4))).apply(np.ones((3, 5)))
