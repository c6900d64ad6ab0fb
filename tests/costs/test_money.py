"""Money and tiers: rounding to cents, and tiered prices."""

from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployworkbook.costs.money import as_usd, to_cents
from deployworkbook.costs.prices.tiers import amounts_in_tiers, tiered_cost

AMOUNTS = st.floats(0, 1e9, allow_nan=False)
ENDS = st.lists(st.floats(0.5, 1e6), min_size=0, max_size=5, unique=True).map(
    lambda ends: [*sorted(ends), float("inf")]
)


@pytest.mark.parametrize(
    ("usd", "cents"),
    [
        (0.005, "0.01"),  # half up, though it is stored as 0.005000000000000000104
        (1.005, "1.01"),  # and 1.005 as 1.00499999999999989
        (0.0049, "0.00"),
        (0.0049999997, "0.01"),  # half a cent once nine digits are kept
        (0.004999999, "0.00"),  # nine digits, and below half a cent
        (2.675, "2.68"),
        (-1.005, "-1.01"),
        (123456789.125, "123456789.13"),
    ],
)
def test_a_cent_is_rounded_half_up(usd, cents):
    assert to_cents("x", usd) == Decimal(cents)


@pytest.mark.parametrize("usd", [float("nan"), float("inf"), 1e12, -1e15])
def test_amounts_without_cents_are_refused_by_name(usd):
    with pytest.raises(ValueError, match="serving"):
        to_cents("serving", usd)


@pytest.mark.parametrize(
    ("hours", "price_usd", "cents"),
    [(3, 0.075, "0.23"), (3, 0.145, "0.44"), (3, 0.415, "1.25"), (0.1, 0.35, "0.04")],
)
def test_half_a_cent_is_not_lost_to_binary_fractions(hours, price_usd, cents):
    product = hours * price_usd  # stored a little below half a cent
    assert Decimal(repr(product)).quantize(Decimal("0.01"), ROUND_HALF_UP) != Decimal(cents)
    assert to_cents("serving", product) == Decimal(cents)


@pytest.mark.parametrize("usd", [-0.0, -0.001, -1e-12, Decimal("-0.00"), Decimal("-0.004")])
def test_zero_has_no_sign(usd):
    assert str(to_cents("serving", float(usd))) == "0.00"
    assert as_usd(usd) == "0.00 USD"


def test_an_amount_is_formatted_with_its_unit():
    assert as_usd(Decimal("1234567.8")) == "1,234,567.80 USD"


@given(AMOUNTS, ENDS)
def test_tiers_sum_to_the_amount(amount, ends):
    parts = amounts_in_tiers(amount, ends)
    assert parts.sum() == pytest.approx(amount)
    assert (parts >= 0).all()
    # A tier is entered only when the one before it is full.
    sizes = np.diff([0, *ends])
    for tier in range(1, len(parts)):
        assert parts[tier] == 0 or parts[tier - 1] == pytest.approx(sizes[tier - 1])


@given(AMOUNTS, AMOUNTS, ENDS, st.data())
def test_more_never_costs_less(first, second, ends, data):
    prices = data.draw(st.lists(st.floats(0, 10), min_size=len(ends), max_size=len(ends)))
    low, high = sorted([first, second])
    assert tiered_cost(low, ends, prices) <= tiered_cost(high, ends, prices) * (1 + 1e-12) + 1e-9


@given(st.lists(AMOUNTS, min_size=1, max_size=5), ENDS)
def test_arrays_of_amounts_equal_single_amounts(amounts, ends):
    prices = np.linspace(1, 2, len(ends))
    each = [float(tiered_cost(amount, ends, prices)) for amount in amounts]
    np.testing.assert_allclose(tiered_cost(amounts, ends, prices), each)


@pytest.mark.parametrize(
    ("amount", "ends", "name"),
    [
        (-1.0, [float("inf")], "amount"),
        (float("nan"), [float("inf")], "amount"),
        (1.0, [10.0], "ends"),
        (1.0, [10.0, 5.0, float("inf")], "ends"),
        (1.0, [], "ends"),
    ],
)
def test_invalid_tiers_are_refused_by_name(amount, ends, name):
    with pytest.raises(ValueError, match=name):
        amounts_in_tiers(amount, ends)


def test_each_tier_needs_a_price():
    with pytest.raises(ValueError, match="prices"):
        tiered_cost(1.0, [1.0, float("inf")], [1.0])
