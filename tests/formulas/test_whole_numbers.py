"""Whole numbers from quotients of floats, against exact fractions."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployworkbook.formulas.masks import mask_of_ranks
from deployworkbook.formulas.whole_numbers import rounded_down, rounded_up

DECIMALS = st.decimals("0.001", 1000, places=3)


@given(DECIMALS, DECIMALS, DECIMALS)
def test_quotients_are_rounded_as_exact_fractions_are(first, second, divisor):
    exact = Fraction(first) * Fraction(second) / Fraction(divisor)
    quotient = float(first) * float(second) / float(divisor)
    assert rounded_up(quotient) == math.ceil(exact)
    assert rounded_down(quotient) == math.floor(exact)


def test_by_hand():
    assert rounded_up(420 * 0.01 / 0.6) == 7 < math.ceil(420 * 0.01 / 0.6)
    assert rounded_down(0.3 / 0.1) == 3 > math.floor(0.3 / 0.1)
    np.testing.assert_array_equal(rounded_up([0.0, 0.2, 7.001, np.inf]), [0, 1, 8, np.inf])
    np.testing.assert_array_equal(rounded_down([0.0, 0.2, 6.999, np.inf]), [0, 0, 6, np.inf])


@pytest.mark.parametrize(("share", "dropped"), [(0.145, 15), (0.285, 29), (0.144, 14), (1, 100)])
def test_a_share_of_weights_is_rounded_half_up(share, dropped):
    assert (~mask_of_ranks(np.arange(100), share)).sum() == dropped
