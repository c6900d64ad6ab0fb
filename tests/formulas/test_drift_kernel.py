"""Maximum mean discrepancy: against sums over pairs, and SciPy's permutation test."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist
from scipy.stats import permutation_test

from deployworkbook.formulas.drift_kernel import (
    discrepancy_of_members,
    gaussian_kernel,
    mean_discrepancy,
    mean_discrepancy_p_value,
    median_width,
    squared_distances,
)


def by_pairs(x, y, width):
    def mean(a, b, same):
        total = [
            np.exp(-((one - two) ** 2).sum() / (2 * width**2))
            for i, one in enumerate(a)
            for j, two in enumerate(b)
            if not (same and i == j)
        ]
        return np.mean(total)

    return mean(x, x, True) + mean(y, y, True) - 2 * mean(x, y, False)


@pytest.fixture
def samples():
    generator = np.random.default_rng(0)
    return 100 + generator.normal(0.5, 1, (9, 4)), 100 + generator.normal(size=(14, 4))


def test_distances_and_width_equal_scipy(samples):
    x, y = samples
    assert squared_distances(x, y) == pytest.approx(cdist(x, y) ** 2, abs=1e-9)
    assert median_width(y) == pytest.approx(np.median(pdist(y)), rel=1e-9)
    expected = np.exp(-(cdist(x, y) ** 2) / (2 * 1.5**2))
    assert gaussian_kernel(x, y, width=1.5) == pytest.approx(expected, abs=1e-9)


def test_the_discrepancy_is_its_sum_over_pairs(samples):
    assert mean_discrepancy(*samples, width=1.5) == pytest.approx(by_pairs(*samples, 1.5), abs=1e-9)


def test_it_is_zero_on_average_without_drift():
    """Of 400 pairs of samples; the mean's standard error is 0.0006."""
    generator = np.random.default_rng(1)
    found = [mean_discrepancy(*generator.normal(size=(2, 30, 3)), width=1.5) for _ in range(400)]
    assert np.mean(found) == pytest.approx(0, abs=0.0025)
    assert np.min(found) < 0


def test_rows_that_a_window_holds_twice_count_twice(samples):
    pool = np.concatenate(samples)
    kernel = gaussian_kernel(pool, pool, width=1.5)
    first, second = np.array([0, 0, 3, 5]), np.arange(9, 23)
    members = np.stack([np.bincount(each, minlength=23) for each in (first, second)])
    found = discrepancy_of_members(kernel, members, members[::-1])
    assert found == pytest.approx([by_pairs(pool[first], pool[second], 1.5)] * 2, abs=1e-9)


def test_the_exact_p_value_equals_scipy():
    x, y = np.random.default_rng(2).normal([[0.0]], 1, (2, 5, 2))
    x = x + 0.8
    pool = np.concatenate([x, y])

    def statistic(first, second):
        return by_pairs(pool[first.astype(int)], pool[second.astype(int)], 1.0)

    numbers = np.arange(10.0)
    expected = permutation_test(
        (numbers[:5], numbers[5:]), statistic, alternative="greater", n_resamples=np.inf
    )
    found = mean_discrepancy_p_value(x, y, width=1.0, permutations=252)  # 10 over 5
    assert found == pytest.approx(expected.pvalue, abs=1e-9)


def test_the_random_p_value_is_near_the_exact_one_and_depends_on_the_seed_alone():
    x, y = np.random.default_rng(3).normal(size=(2, 7, 2))
    x = x + 0.5
    exact = mean_discrepancy_p_value(x, y, width=1.0, permutations=3432)  # 14 over 7
    random = mean_discrepancy_p_value(x, y, width=1.0, permutations=3000, seed=1)
    assert random == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 3000))
    assert random == mean_discrepancy_p_value(x, y, width=1.0, permutations=3000, seed=1)


def test_p_values_without_drift_are_below_a_rate_that_often():
    """Of 300, 10 % are 30 ± 5.2."""
    generator = np.random.default_rng(4)
    found = [
        mean_discrepancy_p_value(*generator.normal(size=(2, 15, 3)), width=2.0, permutations=99)
        for _ in range(300)
    ]
    assert 10 <= sum(each <= 0.1 for each in found) <= 51


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: mean_discrepancy([[1.0]], [[1.0], [2.0]], width=1.0), "two per sample"),
        (lambda: mean_discrepancy([[1.0, 2.0]], [[1.0], [2.0]], width=1.0), "reference"),
        (lambda: mean_discrepancy([[1.0]], [[1.0]], width=0.0), "width"),
        (lambda: median_width([[1.0], [1.0]]), "rows that differ"),
    ],
)
def test_arguments_out_of_range_are_refused(call, match):
    with pytest.raises(ValueError, match=match):
        call()
