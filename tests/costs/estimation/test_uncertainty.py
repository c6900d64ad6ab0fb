"""Ranges: draws with a seed, intervals, and tornado diagrams."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployworkbook.costs.estimation.deployment import Deployment
from deployworkbook.costs.estimation.model import estimate
from deployworkbook.costs.estimation.uncertainty import Range, assumed_ranges, simulate, tornado
from deployworkbook.costs.estimation.workload import Workload


@pytest.fixture
def cloud(int8):
    return Deployment(int8)


@given(st.floats(-5, 5), st.floats(0.01, 5), st.floats(0.01, 5))
def test_a_ranges_middle_is_the_median_and_its_ends_are_limits(middle, below, above):
    each = Range(middle - below, middle, middle + above)
    drawn = each.draw(np.random.default_rng(0), 4000)
    assert drawn.min() >= each.low - 1e-9
    assert drawn.max() <= each.high + 1e-9
    # Of 4,000 draws the share above the median has a deviation of 0.8 %; four of them.
    assert abs((drawn > middle).mean() - 0.5) < 0.032


def test_draws_have_the_documented_density():
    drawn = Range(0.0, 0.0, 1.0).draw(np.random.default_rng(1), 200_000)
    upper = drawn[drawn > 0]
    # Falling linearly from 0 to 1: a mean of 1/3, a variance of 1/18.
    assert upper.mean() == pytest.approx(1 / 3, abs=0.005)
    assert upper.var() == pytest.approx(1 / 18, abs=0.002)


@pytest.mark.parametrize("ends", [(2, 1, 3), (0, 5, 3), (math.nan, 1, 2), (0, 1, math.inf)])
def test_a_range_must_rise_and_be_finite(ends):
    with pytest.raises(ValueError, match=r"range|low|high"):
        Range(*ends)


def test_draws_depend_only_on_the_seed(cloud):
    first, again, other = (
        simulate(Workload(100.0), cloud, samples=500, seed=seed) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.costs_usd, again.costs_usd)
    assert not np.array_equal(first.costs_usd, other.costs_usd)


def test_with_an_empty_range_every_draw_equals_the_estimate(cloud):
    spread = simulate(
        Workload(100.0), cloud, ranges={"wage_ratio": Range(1.0, 1.0, 1.0)}, samples=10
    )
    total = float(estimate(Workload(100.0), cloud).total_usd_per_month)
    np.testing.assert_allclose(spread.costs_usd, total, atol=0.1)
    assert spread.interval_usd() == (spread.median_usd, spread.median_usd)


def test_the_interval_contains_the_given_share(cloud):
    spread = simulate(Workload(100.0), cloud, samples=4000)
    low, high = spread.interval_usd(0.8)
    inside = (spread.costs_usd >= low) & (spread.costs_usd <= high)
    assert inside.mean() == pytest.approx(0.8, abs=0.005)
    assert low < spread.median_usd < high
    wide = spread.interval_usd(0.99)
    assert wide[0] < low
    assert wide[1] > high


def test_cost_is_linear_in_a_linear_input(cloud):
    ranges = {"wage_ratio": Range(0.5, 1.0, 2.0)}
    spread = simulate(Workload(100.0), cloud, ranges=ranges, samples=2000)
    at = [
        float(estimate(Workload(100.0), cloud, values={"wage_ratio": each}).total_usd_per_month)
        for each in (0.5, 1.0, 2.0)
    ]
    assert spread.costs_usd.min() >= at[0] - 0.1
    assert spread.costs_usd.max() <= at[2] + 0.1
    assert spread.median_usd == pytest.approx(at[1], rel=0.03)
    slope = np.polyfit(spread.by_input["wage_ratio"], spread.costs_usd, 1)[0]
    assert slope == pytest.approx((at[2] - at[0]) / 1.5, rel=1e-3)


def test_draws_that_cannot_serve_are_counted(int8):
    slow = Deployment(replace(int8, service_ms=20.0, served=True))
    ranges = {"latency_objective_s": Range(0.01, 0.03, 0.1)}
    spread = simulate(Workload(10.0), slow, ranges=ranges, samples=1000)
    assert 0.2 < spread.unable_share < 0.8
    assert spread.interval_usd()[1] == math.inf


def test_a_tornado_equals_two_estimates_per_input(cloud):
    ranges = {"wage_ratio": Range(0.5, 1.0, 2.0), "compute_price_ratio": Range(0.9, 1.0, 1.1)}
    swings = tornado(Workload(100.0), cloud, ranges=ranges)
    assert [swing.name for swing in swings] == ["wage_ratio", "compute_price_ratio"]
    for swing in swings:
        for end, cost in (
            (swing.range.low, swing.cost_at_low_usd),
            (swing.range.high, swing.cost_at_high_usd),
        ):
            found = estimate(Workload(100.0), cloud, values={swing.name: end})
            assert cost == pytest.approx(float(found.total_usd_per_month), abs=0.1)


def test_the_widest_swing_comes_first(cloud):
    widths = [swing.width_usd for swing in tornado(Workload(100.0), cloud)]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > 0


def test_people_dominate_at_low_traffic_and_logs_or_transfer_at_high(int8):
    little, much = (tornado(Workload(rate), Deployment(int8))[0].name for rate in (1.0, 500_000.0))
    assert little == "hours_per_retraining"
    assert much == "log_line_bytes"
    unlogged = Deployment(int8, log_lines_per_request=0.0)
    assert tornado(Workload(500_000.0), unlogged)[0].name == "protocol_bytes_per_request"


def test_ranges_come_from_the_catalogue(int8):
    cloud = assumed_ranges(Deployment(int8))
    assert cloud["server_overhead_s"] == Range(0.0001, 0.0005, 0.0015)
    assert cloud["speed_ratio"] == Range(0.75, 0.95, 1.15)
    served = assumed_ranges(Deployment(replace(int8, served=True)))
    assert "server_overhead_s" not in served


@pytest.mark.parametrize(
    ("ranges", "error", "name"),
    [
        ({}, ValueError, "ranges"),
        ({"wage": Range(1, 2, 3)}, ValueError, "wage_ratio"),
        ({"spot_share": Range(0, 0.5, 3)}, ValueError, "spot_share"),
        ({"wage_ratio": (1, 2, 3)}, TypeError, "wage_ratio"),
    ],
)
def test_invalid_ranges_are_refused_by_name(cloud, ranges, error, name):
    for function in (simulate, tornado):
        with pytest.raises(error, match=name):
            function(Workload(1.0), cloud, ranges=ranges)


@pytest.mark.parametrize(("samples", "seed"), [(0, 0), (1.5, 0), (10, -1)])
def test_samples_and_seed_must_be_whole_numbers(cloud, samples, seed):
    with pytest.raises((ValueError, TypeError), match=r"samples|seed"):
        simulate(Workload(1.0), cloud, samples=samples, seed=seed)
