"""The autoscaler's rule case by case, and simulated days against closed forms."""

import numpy as np
import pytest
from deployworkbook.costs.capacity.autoscaler import Autoscaler, Decisions
from deployworkbook.costs.capacity.scaling import simulate_day

from deployworkbook.formulas.erlang import erlang_c
from deployworkbook.formulas.intervals import mean_interval
from deployworkbook.formulas.queueing import mean_conditional_wait_s, mean_wait_s
from deployworkbook.formulas.waiting import response_survival

SERVICE_S = 0.1
# The quantiles of the exponential distribution, for a squared variation of nearly 1.
TIMES = -SERVICE_S * np.log(1 - (np.arange(20_000) + 0.5) / 20_000)
DAY = 10.0 * (1 + 0.8 * np.sin(2 * np.pi * np.arange(1440) / 1440))


def fixed(replicas):
    return Autoscaler(min_replicas=replicas, max_replicas=replicas)


@pytest.mark.parametrize(
    ("utilisation", "ready", "starting", "wanted"),
    [
        # kubernetes.io: twice the wanted value doubles, half of it halves.
        (0.8, 4, 0, 8),
        (0.2, 4, 0, 2),
        (0.43, 4, 0, 4),  # 1.075 times the target: within the tolerance of 0.1
        (0.45, 4, 0, 5),  # 1.125 times: ceil(4.5)
        (0.36, 10, 0, 10),
        (0.35, 10, 0, 9),  # ceil(8.75)
        (0.8, 4, 2, 8),  # starting ones count as idle: 2 · 4/6 = 1.33, of 6
        (0.8, 4, 4, 8),  # 2 · 4/8 = 1: enough are on their way
        (0.6, 4, 4, 8),  # 1.5 · 4/8 < 1 would reverse the decision
        (0.0, 5, 0, 1),
    ],
)
def test_wanted_replicas_follow_kubernetes_rule(utilisation, ready, starting, wanted):
    assert Autoscaler(target_utilisation=0.4).wanted(utilisation, ready, starting) == wanted


def test_scaling_up_is_limited_and_scaling_down_waits():
    decisions = Decisions(Autoscaler(target_utilisation=0.1, stabilisation_s=60.0, max_replicas=50))
    assert decisions.replicas(0.0, 1.0, 1) == 5  # wanted 10; four more or double
    assert decisions.replicas(15.0, 1.0, 5) == 10  # wanted 50
    assert decisions.replicas(30.0, 1.0, 30) == 50  # wanted 300
    assert decisions.replicas(75.0, 0.01, 50) == 50  # a minute has not passed
    assert decisions.replicas(90.0, 0.01, 50) == 50
    assert decisions.replicas(91.0, 0.01, 50) == 5


def late_shares(rate, servers, objective):
    """Return late shares and mean responses of eight simulated half hours without scaling."""
    days = [
        simulate_day([rate], TIMES, fixed(servers), latency_objective_s=objective,
                     duration_s=1800.0, seed=seed, most_wait_s=1e6)
        for seed in range(8)
    ]  # fmt: skip
    means = [np.average(day.mean_s, weights=day.requests) for day in days]
    return [day.late_share for day in days], means


@pytest.mark.parametrize(("rate", "servers"), [(6.0, 1), (24.0, 3), (85.0, 10)])
def test_without_scaling_a_day_equals_m_m_c(rate, servers):
    objective = 0.5
    shares, means = late_shares(rate, servers, objective)
    low, high = mean_interval(shares, confidence=0.999)
    delayed = erlang_c(servers, rate * SERVICE_S)
    wait = mean_conditional_wait_s(rate, SERVICE_S, servers)
    late = response_survival(objective, delayed, wait, service_time_s=SERVICE_S, service_scv=1.0)
    assert low <= float(late) <= high
    low, high = mean_interval(means, confidence=0.999)
    exact = SERVICE_S + float(mean_wait_s(rate, SERVICE_S, servers))
    assert low <= exact <= high
    assert high - low < exact / 2


def test_replicas_follow_the_days_traffic():
    scaler = Autoscaler(target_utilisation=0.5, max_replicas=20)
    day = simulate_day(DAY, TIMES, scaler, latency_objective_s=1.0, seed=1)
    again = simulate_day(DAY, TIMES, scaler, latency_objective_s=1.0, seed=1)
    np.testing.assert_array_equal(day.p99_s, again.p99_s)
    assert day.requests.sum() == pytest.approx(10 * 86_400, rel=0.01)
    assert (day.late + day.shed <= day.requests).all()
    # At the peak 18/s · 0.1 s / 0.5 = 3.6 replicas, at the trough 0.4.
    assert day.ready_replicas[330:390].mean() == pytest.approx(4.0, abs=0.7)
    assert day.ready_replicas[1050:1110].mean() == pytest.approx(1.0, abs=0.5)
    assert (day.paid_replicas >= day.ready_replicas - 1e-9).all()
    # It costs more than the work alone, and less than always running the peak's replicas.
    work_hours = 10 * SERVICE_S * 24
    assert work_hours < day.replica_hours < 24 * day.ready_replicas.max()
    # All work was done: the busy time equals the requests' service times.
    worked_s = (day.utilisation * day.ready_replicas).sum() * 60
    assert worked_s == pytest.approx(day.requests.sum() * SERVICE_S, rel=0.01)


def test_slower_starts_make_more_requests_late_after_a_jump():
    jump = [10.0] * 30 + [80.0] * 30

    def lost(start_up_s):
        scaler = Autoscaler(start_up_s=start_up_s)
        day = simulate_day(jump, TIMES, scaler, latency_objective_s=1.0, first_replicas=2,
                           duration_s=3600.0)  # fmt: skip
        return day.late_share + day.shed_share

    shares = [lost(seconds) for seconds in (0.0, 60.0, 300.0)]
    assert shares == sorted(shares)
    assert shares[2] > 3 * shares[0]


def test_enough_replicas_lose_nothing_and_too_few_shed_requests():
    jump = [10.0] * 30 + [80.0] * 30
    enough = simulate_day(jump, TIMES, fixed(14), latency_objective_s=1.0, duration_s=3600.0)
    assert enough.late_share < 0.002
    assert enough.shed_share == 0.0
    few = simulate_day([30.0], TIMES, fixed(1), latency_objective_s=1.0, duration_s=3600.0)
    # 3 erlangs on one worker: two of three requests cannot be served.
    assert few.shed_share == pytest.approx(2 / 3, abs=0.02)
    assert few.utilisation[5:].mean() == pytest.approx(1.0, abs=1e-6)
    assert np.nanmax(few.p99_s) < 10.0 + TIMES.max()


def test_a_starting_replica_is_paid_but_does_not_serve():
    scaler = Autoscaler(start_up_s=120.0, max_replicas=10)
    day = simulate_day([50.0], TIMES, scaler, latency_objective_s=1.0, duration_s=600.0)
    assert day.ready_replicas[0] == day.ready_replicas[1] == 1.0
    # A busy replica is at 1 / 0.6 of its target, however long the queue: 1 · 1.67 rounds up to two,
    # and the second counts as idle until it serves.
    assert day.paid_replicas[1] == 2.0
    assert day.ready_replicas[2] > 1.0
    assert day.ready_replicas[-1] >= 5.0


def test_minutes_without_requests_have_no_percentile():
    day = simulate_day([0.0, 5.0], [0.1], fixed(1), latency_objective_s=1.0, duration_s=120.0)
    assert day.requests[0] == 0
    assert np.isnan(day.p99_s[0])
    assert day.p99_s[1] >= 0.1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rates_per_s": [-1.0]}, "rates_per_s: expected at least 0"),
        ({"rates_per_s": [np.nan]}, "rates_per_s"),
        ({"rates_per_s": [1e6]}, "rates_per_s: .* Simulate the peak hour"),
        ({"service_times_s": [0.0]}, "service_times_s"),
        ({"duration_s": 90.0}, "duration_s: expected whole minutes"),
        ({"duration_s": 1e6}, "duration_s"),
        ({"first_replicas": 0}, "first_replicas"),
        ({"workers": 0}, "workers"),
        ({"most_wait_s": 0.0}, "most_wait_s"),
        ({"latency_objective_s": 0.0}, "latency_objective_s"),
    ],
)
def test_invalid_days_are_refused_by_name(changes, words):
    arguments = {
        "rates_per_s": [1.0],
        "service_times_s": [0.1],
        "scaler": Autoscaler(),
        "latency_objective_s": 1.0,
    }
    with pytest.raises(ValueError, match=words):
        simulate_day(**{**arguments, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"target_utilisation": 0.0},
        {"target_utilisation": 1.5},
        {"min_replicas": 0},
        {"min_replicas": 5, "max_replicas": 4},
        {"sync_s": 0.0},
        {"tolerance": -0.1},
        {"surge_share": 0.0, "surge_replicas": 0},
    ],
)
def test_invalid_rules_are_refused_by_name(changes):
    with pytest.raises(ValueError, match=next(reversed(changes)) if len(changes) < 2 else "_"):
        Autoscaler(**changes)
