"""Predicted against measured response times, for simulated queues."""

import numpy as np
import pytest

from deployworkbook.costs.capacity import load_replay
from deployworkbook.costs.capacity.check import compare_with_measured
from deployworkbook.formulas.replay import replayed_waits_s
from deployworkbook.formulas.response import response_times

SERVICE_S = np.random.default_rng(5).gamma(8.0, 0.01 / 8, 5000)


def queue(rate, requests, seed, extra_s=0.0):
    """Responses of one server, by Lindley's recursion W' = max(0, W + S - T)."""
    generator = np.random.default_rng(seed)
    gaps = generator.exponential(1 / rate, requests)
    service = generator.choice(SERVICE_S, requests)
    steps = np.concatenate([[0.0], np.cumsum(service[:-1] - gaps[1:])])
    waits = steps - np.minimum.accumulate(steps)
    return np.cumsum(gaps), waits + service + extra_s


def compared(rate, requests, seed, extra_s=0.0, **more):
    arrivals, responses = queue(rate, requests, seed, extra_s)
    return compare_with_measured([arrivals], [responses], SERVICE_S, **more)[0]


@pytest.fixture
def few_draws(monkeypatch):
    """Draw the predicted interval coarsely, where nothing is asked of it."""
    monkeypatch.setattr(load_replay, "DRAWS", 1)
    monkeypatch.setattr(load_replay, "LEAST_DRAWS", 1)


@pytest.mark.usefixtures("few_draws")
def test_a_queues_response_times_are_predicted():
    shares = (0.1, 0.3, 0.5, 0.7)
    loads = [queue(share / SERVICE_S.mean(), 200_000, n) for n, share in enumerate(shares)]
    points = compare_with_measured(*zip(*loads, strict=True), SERVICE_S)
    assert [point.utilisation for point in points] == pytest.approx(list(shares), rel=0.02)
    for point in points:
        # At 70 %, 2,000 late requests in clusters determine p99 to about a percent.
        assert abs(point.error) < 0.04
        assert abs(point.server_error) < 0.04
        assert point.predicted_mean_s == pytest.approx(point.measured_mean_s, rel=0.03)


@pytest.mark.usefixtures("few_draws")
def test_95_percent_intervals_contain_the_truth_about_as_often():
    rate = 0.7 / SERVICE_S.mean()
    truth = response_times(rate, SERVICE_S, 1).percentile_s(0.99)
    points = [compared(rate, 5000, seed) for seed in range(30)]
    held = sum(point.measured_low_s <= truth <= point.measured_high_s for point in points)
    # Of 30, 28.5 are expected; fewer than 23 have a probability below one in a thousand.
    assert held >= 23
    # A replay of the same arrivals is closer to the measurement than the formula is.
    errors = np.array([(point.error, point.server_error) for point in points])
    assert errors[:, 1].std() < errors[:, 0].std()


@pytest.mark.usefixtures("few_draws")
def test_a_server_slower_than_its_queue_is_detected():
    rate = 0.5 / SERVICE_S.mean()
    slow = compared(rate, 20_000, 1, extra_s=0.03)
    assert slow.error < -0.2
    assert slow.server_error < -0.2
    known = compared(rate, 20_000, 1, extra_s=0.03, unloaded_s=SERVICE_S + 0.03)
    assert abs(known.error) < 0.05


def test_late_requests_in_a_cluster_widen_the_interval():
    came = np.arange(1.0, 2001.0)
    clustered = np.linspace(0.1, 0.2, 2000)  # the latest tenth comes last
    spread = clustered.reshape(20, 100).T.ravel()  # the same responses, a late one in every ten
    widths = []
    for took in (clustered, spread):
        [point] = compare_with_measured([came], [took], [0.1], percentile=0.9)
        assert point.measured_s == pytest.approx(0.19, abs=1e-3)
        widths.append(point.measured_high_s - point.measured_low_s)
    # Independent requests: 2 · 1.96 · √(0.9 · 0.1 / 2000) of the range from 0.1 s to 0.2 s
    assert widths[1] == pytest.approx(0.00263, abs=2e-4)
    assert widths[0] > 2 * widths[1]


def test_predicted_intervals_cover_an_ideal_queue():
    rate = 0.45 / SERVICE_S.mean()
    points = [compared(rate, 2400, seed) for seed in range(20)]
    # Of 20, 19 are expected; fewer than 16 have a probability of 3 in 10,000.
    assert sum(point.is_covered for point in points) >= 16
    assert all(point.point_s == point.predicted_s for point in points)


def test_an_idle_server_that_wakes_up_is_covered_whether_it_is_busy_meanwhile_or_not():
    generator = np.random.default_rng(3)
    arrivals = np.cumsum(generator.exponential(1.0 / 45.0, 4000))
    services = generator.choice(SERVICE_S, 4000)
    firsts = services + 0.02
    occupied = replayed_waits_s(arrivals, services, first_services_s=firsts)
    cases = {
        "occupied": np.where(occupied > 0, occupied + services, firsts),
        "on the way": replayed_waits_s(arrivals, services) + services + 0.02,
    }
    highs = {}
    for name, responses in cases.items():
        (point,) = compare_with_measured(
            [arrivals], [responses], SERVICE_S, unloaded_s=SERVICE_S + 0.02
        )
        assert point.is_covered, name
        highs[name] = point.high_s
    (known,) = compare_with_measured([arrivals], [cases["occupied"]], SERVICE_S)
    assert known.high_s < min(highs.values())


def test_services_that_take_longer_at_full_load_raise_the_upper_end():
    arrivals, responses = queue(0.6 / SERVICE_S.mean(), 2400, 4)
    ends = [
        compare_with_measured([arrivals], [responses], SERVICE_S, saturated_s=saturated)[0]
        for saturated in (None, 0.5 * SERVICE_S.mean(), 1.2 * SERVICE_S.mean())
    ]
    # A shorter time at full load is no reason to expect less.
    assert ends[0].low_s == ends[1].low_s == ends[2].low_s
    assert ends[0].high_s == ends[1].high_s
    assert ends[2].high_s > 1.2 * ends[0].high_s


def test_slow_services_in_a_row_raise_the_upper_end_and_leave_no_point():
    generator = np.random.default_rng(2)
    gaps = generator.exponential(1.0 / 45.0, 4000)
    arrivals = np.cumsum(gaps)
    # Slow for 50 requests in a row, one time in ten.
    services = np.repeat(np.where(generator.random(80) < 0.1, 0.030, 0.008), 50)
    responses = replayed_waits_s(arrivals, services) + services
    (point,) = compare_with_measured([arrivals], [responses], services)
    assert point.correlation > 0.9
    assert point.point_s is None
    assert point.high_s > 1.5 * point.predicted_s
    assert point.is_covered


SECONDS = np.arange(1.0, 201.0)


def test_service_times_too_long_for_the_load_leave_an_interval_and_no_point():
    """As when another program takes the processor while one of two loads is measured."""
    (point,) = compare_with_measured([SECONDS], [[0.1] * 200], [1.2])
    assert point.utilisation == pytest.approx(1.2)
    assert point.point_s is None
    assert point.predicted_s == point.predicted_mean_s == np.inf
    # The queue grows by 0.2 s per request: the 198th of 200 waits 0.2 · 197 s.
    for seconds in (point.low_s, point.replayed_s):
        assert seconds == pytest.approx(0.2 * 197 + 1.2, abs=0.01)
    assert not point.is_covered


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ([SECONDS] * 2, [[0.1] * 200], [0.1]),
            "responses_s: expected 2, as many as in arrivals_s",
        ),
        (([SECONDS[:50]], [[0.1] * 50], [0.1]), "responses_s: expected at least 100"),
        (([SECONDS], [[0.1] * 199], [0.1]), "responses_s: expected the shape of arrivals_s"),
        (([SECONDS], [[-0.1] * 200], [0.1]), "responses_s: expected positive times"),
        (([SECONDS], [[0.1] * 200], [0.0]), "service_times_s"),
    ],
)
def test_invalid_measurements_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        compare_with_measured(*arguments)


def test_a_time_at_full_load_must_be_positive():
    with pytest.raises(ValueError, match="saturated_s: expected"):
        compare_with_measured([SECONDS], [[0.1] * 200], [0.1], saturated_s=0.0)
