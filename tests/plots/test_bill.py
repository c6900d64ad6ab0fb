"""The pictures of costs: what they draw is what was estimated."""

import numpy as np
import pytest

from deployworkbook.costs.estimation.breakdown import KINDS
from deployworkbook.costs.estimation.deployment import Deployment
from deployworkbook.costs.estimation.model import estimate
from deployworkbook.costs.estimation.profile import Profile
from deployworkbook.costs.estimation.uncertainty import Range, Swing
from deployworkbook.costs.estimation.workload import Workload
from deployworkbook.costs.prices.note import price_note
from deployworkbook.plots.bill import (
    KIND_COLOURS,
    KIND_HATCHES,
    bill_picture,
    tornado_picture,
)

PROFILE = Profile("float32", "numpy", 0.02, 0.1, 0.98, 407_080, 380_000, 100e6)
NOTE = price_note()


@pytest.fixture(scope="module")
def bills():
    return {
        f"{rate} per second": estimate(Workload(rate), Deployment(PROFILE)) for rate in (1, 5000)
    }


def bars_of(picture):
    """By row, the lengths of its four parts."""
    (axes,) = picture.axes
    lengths = np.array([bar.get_width() for bar in axes.patches])
    return lengths.reshape(len(KINDS), -1).T


def test_each_kind_has_its_own_colour_and_hatch():
    assert set(KIND_COLOURS) == set(KIND_HATCHES) == set(KINDS)
    assert len(set(KIND_COLOURS.values())) == len(set(KIND_HATCHES.values())) == len(KINDS)


def test_bars_consist_of_the_four_kinds(bills):
    picture = bill_picture(bills, title="By traffic", note=NOTE)
    wanted = [list(map(float, bill.by_kind_usd.values())) for bill in bills.values()]
    np.testing.assert_allclose(bars_of(picture), wanted)
    first = bills["1 per second"]
    assert (
        f"1 per second: {first.total_usd_per_month:,.2f} USD per month: maintenance" in picture.alt
    )
    assert "us-east-1, 2026-01-19" in picture.alt


@pytest.mark.parametrize("as_shares", [True, False])
def test_a_bill_of_0_is_drawn(as_shares):
    prices = ("compute_price_ratio", "storage_price_ratio", "network_price_ratio")
    free = dict.fromkeys(("wage_ratio", *prices), 0.0)
    bill = estimate(Workload(0.0), Deployment(PROFILE), values=free)
    assert bill.total_usd_per_month == 0
    picture = bill_picture({"free": bill}, title="Free", note=NOTE, as_shares=as_shares)
    (axes,) = picture.axes
    assert axes.get_xlim() == (0, 1.18)
    assert "free: 0.00 USD per month." in picture.alt


def test_as_shares_every_bar_sums_to_1(bills):
    picture = bill_picture(bills, title="By traffic", note=NOTE, as_shares=True)
    np.testing.assert_allclose(bars_of(picture).sum(axis=1), 1.0)


def test_tornado_bars_span_the_costs():
    swings = [
        Swing("hours_per_update", Range(2, 4, 12), 90.0, 160.0),
        Swing("server_overhead_s", Range(0.1, 0.5, 1.5), 95.0, np.inf),
    ]
    picture = tornado_picture(swings, cost_usd=100.0, note=NOTE)
    (axes,) = picture.axes
    low, high, _, beyond = (bar.get_x() + bar.get_width() for bar in axes.patches)
    assert (low, high) == (90.0, 160.0)
    assert beyond == axes.get_xlim()[1]
    assert "hours_per_update from 2 to 12: 90 USD to 160 USD" in picture.alt
    assert "server_overhead_s from 0.1 to 1.5: 95 USD to cannot serve" in picture.alt
    assert picture.png()


def test_tornado_draws_when_no_input_has_a_range():
    swings = [Swing("spot_share", Range(0, 0, 0), 100.0, 100.0)]
    assert tornado_picture(swings, cost_usd=100.0, note=NOTE).png()
