"""Error budgets and burn-rate alerts: the workbook's figures, and simulated traffic."""

import math

import numpy as np
import pytest

from deployworkbook.formulas.slo import (
    BURN_ALERTS,
    BurnAlert,
    budget_left,
    burn_over_window,
    burn_rate,
    fires,
    hours_until_spent,
    minutes_until_fires,
    minutes_until_stops,
)

OBJECTIVE = 0.999
FAST = BURN_ALERTS[0]


def test_alerts_spend_what_the_site_reliability_workbook_says():
    assert [each.budget_share() for each in BURN_ALERTS] == pytest.approx([0.02, 0.05, 0.1, 0.1])
    # In all, the short window is a twelfth of the long one.
    assert [each.long_h / each.short_h for each in BURN_ALERTS] == pytest.approx([12] * 4)


def test_the_budget_by_hand():
    assert budget_left(0, 0, OBJECTIVE) == 1
    assert budget_left(500, 1_000_000, OBJECTIVE) == pytest.approx(0.5)
    assert budget_left(3000, 1_000_000, OBJECTIVE) == pytest.approx(-2)
    assert burn_rate([0.0, 0.001, 0.02], OBJECTIVE) == pytest.approx([0, 1, 20])


def test_burning_for_the_whole_time_spends_the_whole_budget():
    hours = hours_until_spent(20.0)
    requests = 1e6
    errors = 0.02 * requests * hours / (30 * 24)
    assert budget_left(errors, requests, OBJECTIVE) == pytest.approx(0)
    assert hours_until_spent(20.0, left=0.5) == pytest.approx(hours / 2)
    assert math.isinf(hours_until_spent(0.0))


def minutes(error_share, *, before=24 * 60, during=120, after=120, step_s=10.0):
    """Errors and requests of even traffic per step, and the step at which errors begin."""
    per_minute = 60 / step_s
    share = np.repeat(
        [0.0, error_share, 0.0], [int(each * per_minute) for each in (before, during, after)]
    )
    requests = np.full(len(share), 1000.0)
    return share * requests, requests, int(before * per_minute)


@pytest.mark.parametrize("error_share", [0.02, 0.05, 0.2])
@pytest.mark.parametrize("alert", BURN_ALERTS[:2], ids=["fast", "slow"])
def test_simulated_traffic_fires_and_stops_when_the_formulas_say(alert, error_share):
    errors, requests, begin = minutes(error_share, during=240)
    firing = np.flatnonzero(fires(alert, errors, requests, OBJECTIVE, step_s=10))
    burn = float(burn_rate(error_share, OBJECTIVE))
    fired = (firing[0] + 1 - begin) / 6
    stopped = (firing[-1] + 1 - begin) / 6 - 240
    assert fired == pytest.approx(minutes_until_fires(alert, burn), abs=0.17)
    assert stopped == pytest.approx(minutes_until_stops(alert, burn), abs=0.17)


def test_two_percent_errors_fire_within_minutes_43_to_46():
    assert 43 <= minutes_until_fires(FAST, 20.0) <= 46


def test_a_spike_of_two_minutes_pages_nobody():
    errors, requests, _ = minutes(0.4, during=2, after=600)
    for alert in BURN_ALERTS[:2]:
        assert not fires(alert, errors, requests, OBJECTIVE, step_s=10).any()
    # An outage does page, within a minute.
    errors, requests, begin = minutes(1.0, during=2)
    firing = fires(FAST, errors, requests, OBJECTIVE, step_s=10)
    assert 0 < (firing.argmax() + 1 - begin) / 6 <= 1


def test_errors_too_rare_never_fire():
    assert math.isinf(minutes_until_fires(FAST, 14.4))
    errors, requests, _ = minutes(0.0143, during=300)
    assert not fires(FAST, errors, requests, OBJECTIVE, step_s=10).any()
    with pytest.raises(ValueError, match="burn"):
        minutes_until_stops(FAST, 14.4)


def test_windows_without_requests_burn_nothing_and_start_short():
    assert burn_over_window([0, 1, 0, 0], [0, 2, 0, 2], 0.5, steps=2).tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: burn_rate(2.0, OBJECTIVE), "error_share"),
        (lambda: burn_rate(0.1, 99.9), r"Did you mean 0\.999"),
        (lambda: budget_left(3, 2, OBJECTIVE), "errors"),
        (lambda: burn_over_window([2], [1], OBJECTIVE, steps=1), "2 of 1 requests at step 0"),
        (lambda: burn_over_window([1], [1, 2], OBJECTIVE, steps=1), "requests"),
        (lambda: fires(FAST, [0], [1], OBJECTIVE, step_s=600), "step_s"),
        (lambda: BurnAlert(2.0, 1.0, 2.0, "page"), "short_h"),
    ],
)
def test_arguments_out_of_range_are_refused(call, match):
    with pytest.raises(ValueError, match=match):
        call()
