"""The retraining explorer: accuracy on the traffic, the fleet's bytes, and how often it pays."""

import pytest

from deployworkbook.formulas.retraining import best_interval_days, mistakes_growth_usd
from deployworkbook.widgets.retraining import retraining_explorer
from tests.widgets.update_examples import COMPARISON


@pytest.fixture(scope="module")
def explorer():
    return retraining_explorer(COMPARISON)


def test_traffic_mixes_new_and_old_images(explorer):
    result = explorer.set(way="all weights", form="int8", new_percent=25)
    assert result.chosen.mixed == pytest.approx(0.25 * 0.92 + 0.75 * 0.94)
    assert result.gain == pytest.approx(0.25 * 0.20 + 0.75 * -0.04)


def test_interval_is_the_cheapest_of_the_fleets_update(explorer):
    result = explorer.set(way="all weights", new_percent=50, cents_per_label=10.0)
    growth = mistakes_growth_usd(10_000.0, 0.05, 0.001)
    assert result.schedule.best_days == pytest.approx(best_interval_days(result.update_usd, growth))
    labels = explorer.set(cents_per_label=20.0).update_usd - result.update_usd
    assert labels == pytest.approx(COMPARISON.labelled * 0.10)


def test_smaller_patch_makes_the_bytes_cheaper_and_nothing_else(explorer):
    all_weights = explorer.set(way="all weights", link="lte-m")
    output = explorer.set(way="output layer")
    saved = all_weights.update_usd - output.update_usd
    assert 0 < saved == pytest.approx(all_weights.data_usd - output.data_usd)


def test_update_that_loses_on_the_traffic_never_pays(explorer):
    result = explorer.set(way="all weights", new_percent=0)
    assert result.schedule is None
    assert "never" in dict(explorer._view.table(result))["cheapest interval"]
    assert "doesn't pay" in explorer._view.describe(result)
    explorer.set(new_percent=50)


def test_way_that_reaches_less_pays_for_what_remains(explorer):
    worse = explorer.set(way="output layer", new_percent=50).schedule.remaining_usd_per_day
    best = explorer.set(way="all weights").schedule.remaining_usd_per_day
    assert worse > best == 0
