"""The error-budget explorer: which alert fires, and when."""

import pytest

from deployworkbook.formulas.slo import BURN_ALERTS, minutes_until_fires
from deployworkbook.widgets.error_budget import OBJECTIVES, budget_explorer, compute_budget
from tests.controls import made_once

SETTINGS = {"rate_per_s": 100.0, "objective": "99.9 %", "error_share": 0.02, "minutes": 600.0}


@pytest.mark.parametrize("error_share", [0.005, 0.02, 0.5])
def test_alerts_fire_when_the_formula_says(error_share):
    result = compute_budget(**SETTINGS | {"error_share": error_share})
    for alert, firing in zip(BURN_ALERTS, result.firings, strict=True):
        expected = minutes_until_fires(alert, result.burn)
        if expected < result.minutes:
            assert expected <= firing.begin <= expected + 1.01
            # What the alert is made for, and what is spent until the minute is over.
            assert alert.budget_share() <= firing.spent
            assert firing.spent <= alert.budget_share() * (1 + 1 / expected) + 1e-9
        else:
            assert firing.begin is None


def test_all_alerts_stop_within_their_short_window():
    result = compute_budget(**SETTINGS | {"error_share": 1.0, "minutes": 4320.0})
    for alert, firing in zip(BURN_ALERTS, result.firings, strict=True):
        assert 4320 <= firing.end <= 4320 + 60 * alert.short_h


def test_the_budget_by_hand():
    result = compute_budget(**SETTINGS)
    # 100 requests per second for 30 days, of which one in a thousand may fail.
    assert result.budget == pytest.approx(259_200)
    # 2 % of 100 requests per second for ten hours.
    assert result.failed == 72_000
    assert result.spent == pytest.approx(72_000 / 259_200)


def test_a_spike_of_two_minutes_pages_nobody():
    explorer = made_once(budget_explorer)()
    result = explorer.set(error_share=0.25, minutes=2.0)
    assert result.fired == ()
    assert "No alert fires" in explorer._view.picture.alt
    assert ("page: 14.4 over 1 h", "doesn't fire") in explorer._view.table(result)


def test_with_little_traffic_a_single_failed_request_pages():
    # 36 requests per hour: one of them is 2.8 % of the hour, 28 times the budget.
    explorer = made_once(budget_explorer)()
    result = explorer.set(rate_per_s=0.01, error_share=0.001, minutes=1.0)
    assert result.failed == 0  # at that rate, no request comes within the minute
    result = explorer.set(minutes=5.0)
    assert result.failed == 1
    assert result.fired[0].name == "page: 14.4 over 1 h"


@pytest.mark.parametrize(("objective", "words"), [(k, k) for k in OBJECTIVES])
def test_the_objective_is_read_out(objective, words):
    explorer = made_once(budget_explorer)()
    explorer.set(objective=objective)
    assert f"An objective of {words}:" in explorer._view.picture.alt
