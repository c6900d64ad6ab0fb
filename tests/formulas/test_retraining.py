"""When to retrain: the closed form against the costs of single days, summed."""

import numpy as np
import pytest

from deployworkbook.formulas.intervals import difference_interval, paired_difference_interval
from deployworkbook.formulas.retraining import (
    best_interval_days,
    mistakes_growth_usd,
    retraining_cost_usd,
)


def test_the_cost_is_the_mean_of_many_small_steps_of_time():
    growth = float(mistakes_growth_usd(20_000, 0.01, 0.0005))
    interval, update = 14.0, 60.0
    moments = (np.arange(100_000) + 0.5) / 100_000 * interval
    summed = (update + (growth * moments).mean() * interval) / interval
    cost = retraining_cost_usd(interval, update_usd=update, growth_usd=growth)
    assert float(cost) == pytest.approx(summed)


def test_the_best_interval_has_no_better_neighbour():
    scipy = pytest.importorskip("scipy.optimize")
    found = scipy.minimize_scalar(
        lambda days: float(retraining_cost_usd(days, update_usd=75, growth_usd=0.3)),
        bounds=(1, 200),
        method="bounded",
        options={"xatol": 1e-8},
    )
    assert float(best_interval_days(75, 0.3)) == pytest.approx(found.x, rel=1e-5)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_half_or_twice_the_best_interval_costs_a_quarter_more(factor):
    best = best_interval_days(75, 0.3)
    costs = retraining_cost_usd(np.array([1, factor]) * best, update_usd=75, growth_usd=0.3)
    assert costs[1] / costs[0] == pytest.approx(1.25)


def test_what_stays_broken_moves_no_optimum():
    days = np.linspace(1, 100, 1000)
    plain = retraining_cost_usd(days, update_usd=75, growth_usd=0.3)
    more = retraining_cost_usd(days, update_usd=75, growth_usd=0.3, remaining_usd=5)
    np.testing.assert_allclose(more - plain, 5)


def test_a_model_that_loses_nothing_has_no_interval():
    with pytest.raises(ValueError, match="growth_usd"):
        best_interval_days(75, 0)


def test_paired_intervals_cover_and_are_narrower_than_independent_ones():
    chance = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        b, c, _ = chance.multinomial(300, [0.10, 0.04, 0.86])
        low, high = paired_difference_interval(int(b), int(c), 300)
        covered += low <= 0.06 <= high
    assert 0.92 <= covered / 400 <= 0.98
    paired = paired_difference_interval(30, 10, 300)
    independent = difference_interval((270, 300), (250, 300))
    assert paired[1] - paired[0] < independent[1] - independent[0]


def test_paired_intervals_at_the_ends():
    low, high = paired_difference_interval(0, 0, 100)
    assert low < 0 < high
    assert low == pytest.approx(-high)
    assert paired_difference_interval(1, 0, 1)[1] == 1.0
