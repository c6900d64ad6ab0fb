"""The alarm explorer: false alarms against delay."""

import numpy as np
import pytest

from deployworkbook.formulas.sequential import cusum_run_length
from deployworkbook.widgets.alarm import CUSUM, WINDOW, alarm_explorer

RANDOM = np.random.default_rng(0)
CLEAN = RANDOM.normal(size=4000)
CLEAN = (CLEAN - CLEAN.mean()) / CLEAN.std()
DRIFTED = {"slight": 0.75 + RANDOM.normal(size=2000), "strong": 2 + RANDOM.normal(size=2000)}


@pytest.fixture(scope="module")
def explorer():
    return alarm_explorer(CLEAN, DRIFTED)


def test_a_higher_threshold_alarms_later_and_less_often(explorer):
    results = [explorer.set(threshold=each) for each in (4.0, 8.0, 14.0)]
    alarms = [each.false_alarms for each in results]
    assert alarms[0] > 0.95
    assert alarms == sorted(alarms, reverse=True)
    assert alarms[-1] <= 0.05
    delays = [each.delay for each in results]
    assert delays == sorted(delays)


def test_the_delay_is_about_that_of_the_formula(explorer):
    result = explorer.set(detector=CUSUM, drift="strong", threshold=12.0, slack=0.5)
    # The mean, from 0; a median of 100 streams that start wherever they are is a little lower.
    expected = cusum_run_length(12.0, slack=0.5, shift=2.0)
    assert expected - 3 <= result.delay <= expected + 1
    assert result.alarm_at > 0


def test_the_curve_goes_through_the_chosen_point(explorer):
    result = explorer.set(detector=WINDOW, window=50, threshold=1.0)
    assert result.chosen.false_alarms[0] == result.false_alarms == 1
    assert result.chosen.delays[0] == result.delay
    assert result.chosen.name == "Mean of 50 images"
    assert result.other.name == "CUSUM with slack 0.5"


def test_a_long_window_finds_slight_drift_sooner_than_a_short_one_at_the_same_threshold(explorer):
    short, long = (
        explorer.set(detector=WINDOW, drift="slight", threshold=4.5, window=each)
        for each in (10, 100)
    )
    assert long.delay < short.delay


def test_a_threshold_that_is_never_reached_is_said(explorer):
    result = explorer.set(detector=WINDOW, drift="slight", threshold=40.0, window=10)
    assert result.alarm_at is None
    assert ("median delay", "longer than the streams") in explorer._view.table(result)
    assert "fewer than half of the streams alarm" in explorer._view.picture.alt


@pytest.mark.parametrize(
    ("clean", "drifted", "match"),
    [(CLEAN[:99], DRIFTED, "clean"), (CLEAN, {"few": CLEAN[:9]}, "few"), (CLEAN, {}, "no drift")],
)
def test_too_few_scores_are_refused(clean, drifted, match):
    with pytest.raises(ValueError, match=match):
        alarm_explorer(clean, drifted)
