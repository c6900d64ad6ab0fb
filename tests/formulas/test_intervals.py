"""Wilson's interval."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from deployworkbook.formulas.intervals import wilson_interval


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
