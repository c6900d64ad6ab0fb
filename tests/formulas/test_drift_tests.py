"""Kolmogorov–Smirnov and χ² for classes: against SciPy."""

import numpy as np
import pytest
from scipy.special import kolmogorov
from scipy.stats import chi2_contingency, ks_2samp

from deployworkbook.formulas.drift_tests import (
    chi_squared_distance,
    chi_squared_p_value,
    kolmogorov_smirnov,
    kolmogorov_smirnov_p_value,
    kolmogorov_tail,
)


@pytest.mark.parametrize(("n", "m"), [(2, 2), (3, 8), (50, 50), (40, 700), (700, 40)])
@pytest.mark.parametrize("digits", [1, 12], ids=["with ties", "without"])
def test_the_distance_equals_scipy(n, m, digits):
    generator = np.random.default_rng(n)
    windows = generator.normal(0.3, 1.2, (4, n)).round(digits)
    reference = generator.normal(size=m).round(digits)
    expected = [ks_2samp(window, reference, method="asymp").statistic for window in windows]
    assert kolmogorov_smirnov(windows, reference) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (3, 8), (9, 9), (30, 100), (60, 45)])
def test_the_p_value_equals_scipys_exact_one(n, m):
    generator = np.random.default_rng(m)
    for shift in (0.0, 0.4, 1.0, 5.0):
        window, reference = generator.normal(shift, 1, n), generator.normal(size=m)
        expected = ks_2samp(window, reference, method="exact")
        found = kolmogorov_smirnov_p_value(expected.statistic, n, m)
        assert found == pytest.approx(expected.pvalue, abs=1e-9)


def test_the_p_value_of_the_ends():
    assert kolmogorov_smirnov_p_value(0.0, 5, 7) == 1
    assert kolmogorov_smirnov_p_value(1.0, 1, 1) == 1


def test_large_samples_follow_kolmogorovs_distribution():
    z = np.linspace(0.5, 2, 4)
    exact = [kolmogorov_smirnov_p_value(each / np.sqrt(500), 1000, 1000) for each in z]
    assert exact == pytest.approx(kolmogorov_tail(z).tolist(), abs=0.02)


def test_the_tail_equals_scipy():
    z = np.concatenate([[0.0, 1e-12], np.linspace(0.02, 6, 200), [40.0]])
    assert kolmogorov_tail(z) == pytest.approx(kolmogorov(z), abs=1e-14)


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_classes_equal_scipy(classes):
    generator = np.random.default_rng(classes)
    windows, reference = (
        generator.integers(0, 30, (6, classes)),
        generator.integers(1, 900, classes),
    )
    windows[:, 0] += 1
    windows[0, 1] = 0
    expected = [chi2_contingency([window, reference], correction=False) for window in windows]
    distance = chi_squared_distance(windows, reference)
    assert distance == pytest.approx([each.statistic for each in expected], rel=1e-9)
    p = chi_squared_p_value(windows, reference)
    assert p == pytest.approx([each.pvalue for each in expected], abs=1e-9)


def test_classes_that_neither_has_do_not_count():
    with_empty = chi_squared_p_value([[15, 5, 0], [15, 5, 1]], [10, 10, 0])
    assert with_empty[0] == pytest.approx(chi_squared_p_value([15, 5], [10, 10]), abs=1e-12)
    expected = chi2_contingency([[15, 5, 1], [10, 10, 0]], correction=False).pvalue
    assert with_empty[1] == pytest.approx(expected, abs=1e-9)
    assert chi_squared_p_value([3, 0], [9, 0]) == 1


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: kolmogorov_smirnov([1.0], [[1.0]]), "reference"),
        (lambda: kolmogorov_smirnov_p_value(1.5, 3, 3), "distance"),
        (lambda: chi_squared_distance([1, 2], [1, 2, 3]), "3 classes"),
        (lambda: chi_squared_distance([0, 0], [1, 2]), "empty"),
    ],
)
def test_arguments_out_of_range_are_refused(call, match):
    with pytest.raises(ValueError, match=match):
        call()
