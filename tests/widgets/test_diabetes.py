"""The bundled data agree with scikit-learn's copy."""

import numpy as np
from sklearn.datasets import load_diabetes

from deployworkbook.widgets.landscapes import PATIENTS, diabetes_regression


def test_the_loss_is_that_of_least_squares_on_scikit_learns_copy():
    data = load_diabetes(scaled=False)
    columns = [data.feature_names.index(name) for name in ("s1", "s2")]
    inputs = data.data[:, columns]
    inputs = (inputs - inputs.mean(axis=0)) / inputs.std(axis=0)
    targets = (data.target - data.target.mean()) / data.target.std()
    assert len(targets) == PATIENTS
    surface = diabetes_regression()
    for weights in (surface.start, [0.0, 0.0], [1.0, -2.0]):
        expected = np.mean((inputs @ weights - targets) ** 2)
        np.testing.assert_allclose(surface.loss(weights), expected, rtol=1e-12)
    rows = np.array([3, 441])
    error = inputs[rows] @ surface.start - targets[rows]
    expected = (error[:, None] * inputs[rows]).sum(axis=0)  # 2 / 2 of the sum
    np.testing.assert_allclose(surface.gradient(surface.start, rows), expected)


def test_the_curvatures_follow_from_the_correlation():
    flattest, steepest = diabetes_regression().curvatures
    # Two standardised columns of correlation r: curvatures 2 (1 - r) and 2 (1 + r).
    data = load_diabetes().data
    r = np.corrcoef(data[:, 4], data[:, 5])[0, 1]
    np.testing.assert_allclose([flattest, steepest], [2 * (1 - r), 2 * (1 + r)])
