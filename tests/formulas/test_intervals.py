"""Wilson's interval, and Student's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, ttest_1samp

from deployworkbook.formulas.intervals import mean_interval, wilson_interval


@given(st.integers(1, 20_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_it_equals_scipys(counts):
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
def test_that_of_a_mean_equals_scipys(count, confidence):
    values = np.random.default_rng(count).normal(0.4, 0.3, count)
    reference = ttest_1samp(values, 0).confidence_interval(confidence)
    # At few degrees of freedom and high confidence the tangent is steep: it loses three digits.
    expected = pytest.approx((reference.low, reference.high), rel=1e-11)
    assert mean_interval(values, confidence=confidence) == expected


def test_a_mean_of_equal_values_is_sure():
    assert mean_interval([0.25, 0.25, 0.25]) == (0.25, 0.25)


def test_one_value_has_no_spread():
    with pytest.raises(ValueError, match="one has no spread"):
        mean_interval([0.5])
