"""Intervals by Wilson, Newcombe and Student, and of a quantile."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, quantile_test, ttest_1samp

from deployworkbook.formulas.intervals import (
    difference_interval,
    mean_interval,
    quantile_interval,
    wilson_interval,
)


@given(st.integers(1, 20_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_equals_scipy(counts):
    successes, trials = counts
    reference = binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    low, high = wilson_interval(successes, trials)
    assert low == pytest.approx(reference.low, abs=1e-9)
    assert high == pytest.approx(reference.high, abs=1e-9)
    assert 0 <= low <= successes / trials <= high <= 1


def test_more_trials_narrow_it_and_more_confidence_widens_it():
    def width(*args, **kwargs):
        low, high = wilson_interval(*args, **kwargs)
        return high - low

    assert width(90, 100) > width(900, 1000)
    assert width(90, 100, confidence=0.99) > width(90, 100)


@pytest.mark.parametrize(("successes", "trials"), [(3, 2), (-1, 2), (0, 0)])
def test_impossible_counts_are_refused(successes, trials):
    with pytest.raises(ValueError, match="expected an integer"):
        wilson_interval(successes, trials)


@pytest.mark.parametrize("count", [2, 3, 4, 5, 8, 31, 100])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_mean_interval_equals_scipy(count, confidence):
    values = np.random.default_rng(count).normal(0.4, 0.3, count)
    reference = ttest_1samp(values, 0).confidence_interval(confidence)
    # At few degrees of freedom and high confidence the tangent is steep: it loses three digits.
    expected = pytest.approx((reference.low, reference.high), rel=1e-11)
    assert mean_interval(values, confidence=confidence) == expected


def test_mean_interval_of_equal_values_has_no_width():
    assert mean_interval([0.25, 0.25, 0.25]) == (0.25, 0.25)


def test_mean_interval_refuses_a_single_value():
    with pytest.raises(ValueError, match="one has no spread"):
        mean_interval([0.5])


COUNTS = st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        # Newcombe (1998), table II, method 10: (a), (b), (c), (f).
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((0, 10), (0, 20), -0.1611, 0.2775),
    ],
)
def test_difference_interval_equals_published_ones(first, second, low, high):
    assert difference_interval(first, second) == pytest.approx((low, high), abs=5e-5)


@given(COUNTS, COUNTS)
def test_swapping_the_samples_mirrors_the_difference_interval(first, second):
    low, high = difference_interval(first, second)
    assert difference_interval(second, first) == pytest.approx((-high, -low), abs=1e-12)
    assert -1 <= low <= first[0] / first[1] - second[0] / second[1] <= high <= 1


@pytest.mark.parametrize("count", [1, 2, 10, 100, 368, 2000])
def test_quantile_interval_equals_scipy(count):
    values = np.random.default_rng(count).exponential(1.0, count)
    for quantile, confidence in product([0.05, 0.5, 0.99], [0.8, 0.95, 0.999]):
        reference = quantile_test(values, p=quantile).confidence_interval(confidence)
        ours = quantile_interval(values, quantile, confidence=confidence)
        # SciPy returns NaN where there is no bound.
        assert ours == (
            -np.inf if np.isnan(reference.low) else reference.low,
            np.inf if np.isnan(reference.high) else reference.high,
        )


def test_a_99th_percentile_takes_368_values():
    assert quantile_interval(np.arange(367.0), 0.99)[1] == np.inf
    assert quantile_interval(np.arange(368.0), 0.99)[1] == 367.0


def test_quantile_interval_of_many_values_does_not_underflow():
    low, high = quantile_interval(np.arange(100_000.0), 0.5)
    # The rank's standard deviation is √(n q (1 - q)) = 158.1; 1.96 of them are 309.9.
    assert (low, high) == pytest.approx((50_000 - 310, 50_000 + 310), abs=2)
