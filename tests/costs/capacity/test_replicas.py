"""Replicas for an objective: against brute force, monotonic, and refused if impossible."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployworkbook.costs.capacity.replicas import replicas_for, replicas_for_all
from deployworkbook.costs.capacity.result import QUEUES, capacity_of
from deployworkbook.formulas.late_share import late_share
from deployworkbook.formulas.response import response_times
from deployworkbook.formulas.service_shape import shape_of_variation


def brute_force(rate, time_s, objective, scv, workers, queue):
    """Return the first of one, two, three … replicas that meets the objective."""
    shape = shape_of_variation(scv)
    for replicas in range(1, 5000):
        servers = replicas * workers if queue == "shared" else workers
        each = rate if queue == "shared" else rate / replicas
        if each * time_s < servers:
            late = late_share(objective / time_s, each * time_s / servers, servers, shape)
            if float(late) <= 0.01 + 1e-9:
                return replicas
    return math.inf


@given(
    st.floats(0.1, 300.0),
    st.floats(0.001, 0.1),
    st.floats(1.1, 20.0),
    st.floats(0.0, 3.0),
    st.integers(1, 8),
    st.sampled_from(QUEUES),
)
def test_replicas_equal_brute_force(rate, time_s, share, scv, workers, queue):
    objective = share * time_s
    found = float(
        replicas_for_all(
            rate,
            time_s,
            latency_objective_s=objective,
            service_scv=scv,
            workers=workers,
            queue=queue,
        )
    )
    if float(shape_of_variation(scv).longer_than(np.array(objective / time_s))) > 0.01 + 1e-9:
        assert found == math.inf
    elif found < 4000:
        assert found == brute_force(rate, time_s, objective, scv, workers, queue)


@given(st.floats(1.0, 1e5), st.floats(1e-4, 0.05), st.floats(0.0, 2.0), st.floats(0.0, 1.0))
def test_a_harder_task_never_needs_fewer_replicas(rate, time_s, scv, headroom):
    def replicas(rate=rate, time_s=time_s, objective=0.3, scv=scv, headroom=headroom, **more):
        return float(
            replicas_for_all(
                rate,
                time_s,
                latency_objective_s=objective,
                service_scv=scv,
                headroom=headroom,
                **more,
            )
        )

    least = replicas()
    assert replicas(rate=rate * 1.3) >= least
    assert replicas(time_s=time_s * 1.3) >= least
    assert replicas(headroom=headroom + 0.3) >= least
    assert replicas(objective=0.25) >= least
    assert replicas(overhead_s=0.05) >= least
    assert replicas(queue="per replica") >= least
    assert replicas(percentile=0.999) >= least
    assert replicas(workers=4) <= least


def test_capacity_equals_the_formulas():
    found = replicas_for(990.0, 0.02, latency_objective_s=0.07, service_scv=0.3, overhead_s=0.01)
    assert found == capacity_of(found.replicas, 990.0, 0.02, service_scv=0.3, overhead_s=0.01)
    assert found.response_s <= 0.07
    assert capacity_of(
        found.replicas - 1, 990.0, 0.02, service_scv=0.3, overhead_s=0.01
    ).response_s > 0.07  # fmt: skip
    # M/M/1 by hand: λ = 25/s, s = 20 ms: mean 20 / 0.5 ms, the 99th percentile ln 100 times that
    one = capacity_of(1, 25.0, 0.02)
    assert one.mean_s == pytest.approx(0.04)
    assert one.response_s == pytest.approx(0.04 * math.log(100), rel=1e-3)
    assert one.delayed_share == pytest.approx(0.5)


def test_headroom_adds_replicas_but_not_load():
    planned = replicas_for(100.0, 0.02, latency_objective_s=0.1, headroom=0.5)
    assert planned.replicas == replicas_for(150.0, 0.02, latency_objective_s=0.1).replicas
    assert planned.utilisation == pytest.approx(100 * 0.02 / planned.replicas)


RARE_SLOW = np.array([0.001] * 985 + [0.020] * 15)


@pytest.mark.parametrize("queue", ["shared", "per replica"])
def test_an_objective_below_the_service_times_is_impossible(queue):
    # 1.5 % take 20 ms: no number of replicas brings 99 % below 15 ms. Two moments can't show that.
    with pytest.raises(ValueError, match=r"latency_objective_s: .*0\.015 of the requests"):
        replicas_for(1000.0, RARE_SLOW, latency_objective_s=0.015, queue=queue)
    found = replicas_for(1000.0, RARE_SLOW, latency_objective_s=0.015, percentile=0.98, queue=queue)
    assert found.response_s <= 0.015
    assert replicas_for(1000.0, RARE_SLOW, latency_objective_s=0.025, queue=queue).replicas > 1


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("queue", ["shared", "per replica"])
def test_the_whole_distribution_of_measured_times_is_used(queue, workers):
    settings = {"latency_objective_s": 0.035, "overhead_s": 0.01, "queue": queue}
    found = replicas_for(500.0, RARE_SLOW, headroom=0.2, workers=workers, **settings)

    def response_s(replicas, rate):
        servers = replicas * workers if queue == "shared" else workers
        each = rate if queue == "shared" else rate / replicas
        return response_times(each, RARE_SLOW, servers).percentile_s(0.99) + 0.01

    assert response_s(found.replicas, 600.0) <= 0.035
    fewer = (found.replicas - 1) * workers
    assert 600.0 * RARE_SLOW.mean() >= fewer or response_s(found.replicas - 1, 600.0) > 0.035
    # The result is for the arrival rate without headroom.
    # Tables and the fine grid of ``response`` agree to a thousandth.
    assert found.response_s == pytest.approx(response_s(found.replicas, 500.0), rel=1e-3)
    assert found.utilisation == pytest.approx(500.0 * RARE_SLOW.mean() / (found.replicas * workers))


def test_a_time_equal_to_the_objective_meets_it():
    assert replicas_for(10.0, [0.02], latency_objective_s=0.02).replicas > 1


def test_exponential_times_agree_with_the_two_moment_formula():
    # Both are exact here; the sample's 20,000 quantiles leave out a tail of 1 in 40,000.
    times = -0.02 * np.log(1 - (np.arange(20_000) + 0.5) / 20_000)
    measured = replicas_for(300.0, times, latency_objective_s=0.12).replicas
    assert measured == replicas_for(300.0, 0.02, latency_objective_s=0.12).replicas


def test_random_balancing_needs_more_replicas_than_a_shared_queue():
    shared = replicas_for(1000.0, 0.02, latency_objective_s=0.12).replicas
    apart = replicas_for(1000.0, 0.02, latency_objective_s=0.12, queue="per replica").replicas
    # Each alone is M/M/1: 1/s - λ/n >= ln 100 / 0.12  =>  n >= 1000 / (50 - 38.4)
    assert apart == math.ceil(1000 / (50 - math.log(100) / 0.12))
    # With a shared queue they are hardly more than the work itself, 20 erlangs.
    assert shared < 30 < apart


def test_arrays_equal_single_calls():
    """4 variants, 5 runtimes, 6 machines."""
    generator = np.random.default_rng(0)
    times = generator.uniform(5e-6, 0.05, (4, 5, 6))
    scv = generator.uniform(0, 2, times.shape)
    found = replicas_for_all(1000.0, times, latency_objective_s=0.15, service_scv=scv)
    for place in [(0, 0, 0), (1, 3, 2), (2, 0, 5), (3, 4, 5)]:
        arguments = {"latency_objective_s": 0.15, "service_scv": scv[place]}
        if np.isfinite(found[place]):
            assert found[place] == replicas_for(1000.0, times[place], **arguments).replicas
        else:
            with pytest.raises(ValueError, match="faster runtime"):
                replicas_for(1000.0, times[place], **arguments)
    assert np.isfinite(found).any()


def test_no_traffic_needs_one_replica_and_huge_traffic_works():
    assert float(replicas_for_all(0.0, 0.01, latency_objective_s=1.0)) == 1.0
    # 100,000 erlangs; economy of scale leaves a surplus of less than a hundredth.
    huge = replicas_for(1e7, 0.01, latency_objective_s=0.1).replicas
    assert 100_000 < huge < 101_000


@pytest.mark.parametrize(
    ("arguments", "changes", "words"),
    [
        ((100.0, 0.02), {"latency_objective_s": 0.05}, "latency_objective_s: .* faster runtime"),
        ((100.0, 0.02), {"latency_objective_s": math.nan}, "latency_objective_s: .* finite"),
        ((100.0, 0.02), {"latency_objective_s": -0.1}, "latency_objective_s: .* more than 0"),
        ((-1.0, 0.02), {}, "arrival_rate_per_s"),
        ((math.inf, 0.02), {}, "arrival_rate_per_s"),
        ((100.0, 0.0), {}, "service_time_s"),
        ((100.0, [0.02, -0.01]), {}, "service_time_s: expected positive times"),
        ((100.0, [0.02]), {"service_scv": 1.0}, "service_scv: .* measured times"),
        ((100.0, 0.02), {"service_scv": -0.5}, "service_scv"),
        ((100.0, 0.02), {"percentile": 99}, "percentile"),
        ((100.0, 0.02), {"headroom": -0.1}, "headroom"),
        ((100.0, 0.02), {"workers": 0}, "workers"),
        ((100.0, 0.02), {"overhead_s": -1.0}, "overhead_s"),
        ((100.0, 0.02), {"queue": "round robin"}, "queue: expected one of"),
        ((1e12, 1.0), {"latency_objective_s": 10.0}, "arrival_rate_per_s: expected at most"),
    ],
)
def test_invalid_arguments_are_refused_by_name(arguments, changes, words):
    with pytest.raises(ValueError, match=words):
        replicas_for(*arguments, **{"latency_objective_s": 0.2, **changes})


def test_non_numbers_and_overload_are_refused():
    with pytest.raises(TypeError, match="arrival_rate_per_s"):
        replicas_for("many", 0.02, latency_objective_s=0.2)
    with pytest.raises(ValueError, match="utilisation: expected less than 1"):
        capacity_of(2, 100.0, 0.02)
