"""The Pareto frontier."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployworkbook.formulas.frontier import pareto

CHOICES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=12)


@given(CHOICES)
def test_frontier_contains_the_choices_that_no_other_beats(choices):
    costs, gains = np.array(choices, float).T
    expected = [
        not any(
            c <= cost and g >= gain and (c, g) != (cost, gain)
            for c, g in zip(costs, gains, strict=True)
        )
        for cost, gain in zip(costs, gains, strict=True)
    ]
    np.testing.assert_array_equal(pareto(costs, gains), expected)


@given(CHOICES)
def test_cheapest_best_and_best_cheapest_choices_are_on_the_frontier(choices):
    costs, gains = np.array(choices, float).T
    front = pareto(costs, gains)
    assert front[gains == gains.max()].any()
    assert front[costs == costs.min()].any()


def test_different_lengths_are_refused():
    with pytest.raises(ValueError, match="expected"):
        pareto([1.0, 2.0], [1.0])
