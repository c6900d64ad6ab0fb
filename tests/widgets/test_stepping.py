"""Steps are exact values, and readouts have no exponents."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from deployworkbook.widgets.stepping import even_steps, figures, labelled, preferred_numbers


@pytest.mark.parametrize("per_decade", [5, 10, 20, 40])
def test_preferred_numbers_are_round_and_about_equally_far_apart(per_decade):
    steps = np.array(preferred_numbers(0.001, 1e9, per_decade))
    assert len(steps) == 12 * per_decade + 1
    np.testing.assert_allclose(steps, np.geomspace(0.001, 1e9, len(steps)), rtol=0.013)
    assert {0.001, 0.1, 1.0, 1000.0} <= set(steps)


def test_ends_that_are_not_preferred_numbers_are_steps():
    assert preferred_numbers(1.3, 2.9, 5) == [1.3, 1.6, 2.5, 2.9]


def test_other_series_are_refused():
    with pytest.raises(ValueError, match="5, 10, 20, 40"):
        preferred_numbers(1, 10, 7)


def test_even_steps_have_no_binary_rounding_errors():
    assert 0.3 in even_steps(0.0, 1.0, 0.1)
    assert even_steps(96.0, 100.0, 0.05)[7] == 96.35
    assert even_steps(-100, 100, 5)[::20] == [-100, 0, 100]


@given(st.floats(1e-6, 1e12))
def test_figures_have_six_digits(number):
    text = figures(number)
    assert "e" not in text
    assert float(text.replace(",", "")) == pytest.approx(number, rel=5e-6)


@given(st.lists(st.floats(0.1, 1e6), max_size=4))
@example([999_999.5])
@example([1234.5674, 1234.57])
def test_readouts_are_unique_and_no_value_is_lost(given_values):
    options = labelled(preferred_numbers(0.1, 1e6, 20), *given_values)
    values = [value for _, value in options]
    assert len({label for label, _ in options}) == len(options)
    assert values == sorted(values)
    assert set(given_values) <= set(values)
