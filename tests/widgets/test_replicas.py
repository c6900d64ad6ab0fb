"""The replica explorer: waits by rate, service time and number of replicas."""

import numpy as np
import pytest

from deployworkbook.widgets.replicas import MOST, OWN, SHARED, compute_replicas, replicas_explorer

SETTINGS = {
    "rate_per_s": 90.0,
    "service_ms": 10.0,
    "replicas": 1,
    "service_scv": 1.0,
    "queue": SHARED,
}


def test_one_server_by_hand():
    # M/M/1 at 0.9: the mean wait is 9 service times, and P(R > t) = exp(-(1 - ρ) t / s).
    result = compute_replicas(**SETTINGS)
    assert result.utilisation == pytest.approx(0.9)
    assert result.wait_ms == pytest.approx(90.0)
    assert result.mean_ms == pytest.approx(100.0)
    # From a table of the whole distribution, exact to about 10⁻³.
    assert result.p99_ms == pytest.approx(100.0 * np.log(100.0), rel=1e-3)


def test_the_wait_grows_nine_times_from_50_to_90_percent_utilisation():
    half, much = (compute_replicas(**SETTINGS | {"rate_per_s": rate}) for rate in (50.0, 90.0))
    assert much.wait_ms / half.wait_ms == pytest.approx(9.0)


def test_constant_service_times_halve_the_wait():
    assert compute_replicas(**SETTINGS | {"service_scv": 0.0}).wait_ms == pytest.approx(45.0)


def test_a_shared_queue_is_better_than_one_per_replica():
    four = SETTINGS | {"replicas": 4, "rate_per_s": 360.0}
    shared, own = (compute_replicas(**four | {"queue": queue}) for queue in (SHARED, OWN))
    # Each of four has a quarter of the requests: one server at 0.9.
    assert own.wait_ms == pytest.approx(90.0)
    assert shared.wait_ms < own.wait_ms / 3
    assert shared.utilisation == own.utilisation


def test_more_replicas_are_never_slower_and_too_few_never_keep_up():
    result = compute_replicas(**SETTINGS | {"rate_per_s": 350.0})
    times = result.p99_by_replicas_ms
    assert np.isnan(times[:3]).all()
    assert (np.diff(times[3:]) <= 1e-9).all()
    assert (result.fewest, result.keeps_up, len(times)) == (4, False, MOST)


def test_a_queue_that_grows_without_bound_is_reported():
    explorer = replicas_explorer(rate_per_s=5000.0, service_ms=5.0)
    assert "grows without bound" in explorer._view.picture.alt
    table = dict(explorer._view.table(explorer.result))
    assert table["replicas that keep up, at least"] == f"more than {MOST}"
    assert table["mean wait"] == "grows without bound"


def test_the_text_states_utilisation_and_response_time():
    explorer = replicas_explorer(rate_per_s=50.0, service_ms=10.0, service_scv=1.0)
    assert "utilisation 50%" in explorer._view.picture.alt
    assert "takes 20 ms" in explorer._view.picture.alt


def test_the_shortest_and_longest_service_times_lie_within_the_picture():
    explorer = replicas_explorer(rate_per_s=1.0, service_ms=5.0, service_scv=1.0)
    for service_ms, scv in ((0.1, 0.0), (1000.0, 4.0)):
        result = explorer.set(service_ms=service_ms, service_scv=scv)
        low, high = explorer._view.picture.axes[0].get_ylim()
        assert low < 0.75 * result.service_ms  # a mark on the axis is cut in half
        # It grows without bound towards 100 %; the useful range is visible.
        assert result.p99_by_load_ms[result.loads <= 0.95].max() < high
