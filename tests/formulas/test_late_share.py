"""Late requests of many queues at once: against exact formulas, the fine grid and simulations."""

import math

import numpy as np
import pytest

from deployworkbook.formulas.intervals import mean_interval
from deployworkbook.formulas.late_share import late_share, response_percentile
from deployworkbook.formulas.replay import lag_one_correlation, replayed_waits_s
from deployworkbook.formulas.response import response_times
from deployworkbook.formulas.service_shape import shape_of_times, shape_of_variation
from deployworkbook.formulas.waiting import response_percentile_s

# Three services in 200 take twenty times as long.
RARE_SLOW = np.array([1.0] * 197 + [20.0] * 3)
LOGNORMAL = np.random.default_rng(3).lognormal(0.0, 0.6, 2400)


@pytest.mark.parametrize("servers", [1, 3, 20])
@pytest.mark.parametrize("load", [0.1, 0.5, 0.7, 0.9])
def test_exponential_times_agree_with_m_m_c(load, servers):
    exact = float(response_percentile_s(0.99, load * servers, 1.0, servers))
    found = response_percentile(0.99, load, servers, shape_of_variation(1.0))
    assert found == pytest.approx(exact, rel=1e-3)


@pytest.mark.parametrize("times", [RARE_SLOW, LOGNORMAL], ids=["rare slow", "lognormal"])
@pytest.mark.parametrize("servers", [1, 4])
@pytest.mark.parametrize("load", [0.2, 0.45, 0.7, 0.9])
def test_measured_times_agree_with_the_fine_grid(times, load, servers):
    times = times / times.mean()
    fine = response_times(load * servers, times, servers).percentile_s(0.99)
    found = response_percentile(0.99, load, servers, shape_of_times(times))
    # At a jump of the distribution the grid is half a step off.
    assert found == pytest.approx(fine, rel=2e-3)


@pytest.mark.parametrize(
    ("times", "load"),
    # At 20 %, the 99th percentile of rare slow services is at a jump of the distribution.
    [(LOGNORMAL, 0.2), (LOGNORMAL, 0.45), (LOGNORMAL, 0.7), (RARE_SLOW, 0.45), (RARE_SLOW, 0.7)],
)
def test_a_p99_of_one_server_is_that_of_lindley_s_recursion(times, load):
    times = times / times.mean()
    p99 = response_percentile(0.99, load, 1, shape_of_times(times))
    late = []
    for seed in range(10):
        generator = np.random.default_rng(seed)
        arrivals = np.cumsum(generator.exponential(1.0 / load, 100_000))
        services = generator.choice(times, 100_000)
        late.append((replayed_waits_s(arrivals, services) + services > p99).mean())
    low, high = mean_interval(late, confidence=0.999)
    assert low <= 0.0101
    assert high >= 0.0099
    # An interval that contains anything proves nothing.
    assert high - low < 0.01


def test_two_moments_would_miss_rare_slow_services():
    times = RARE_SLOW / RARE_SLOW.mean()
    whole = response_percentile(0.99, 0.45, 1, shape_of_times(times))
    two = float(response_percentile_s(0.99, 0.45, 1.0, 1, service_scv=times.var()))
    assert two < 0.85 * whole


@pytest.mark.parametrize("scv", [0.0, 0.05, 0.5, 1.0, 2.0, 9.0])
def test_assumed_shapes_have_the_given_mean_and_variation(scv):
    shape = shape_of_variation(scv)
    assert shape.weights.sum() == pytest.approx(1.0)
    assert shape.weights @ shape.values == pytest.approx(1.0, abs=1e-6)
    assert shape.weights @ (shape.values - 1.0) ** 2 == pytest.approx(scv, abs=1e-3)


def test_a_longer_time_and_a_lower_load_are_never_later():
    shape = shape_of_times(LOGNORMAL)
    times, loads = np.linspace(0.0, 40.0, 200), np.linspace(0.0, 0.98, 60)
    found = late_share(times[:, None], loads, 2, shape)
    assert (np.diff(found, axis=0) <= 1e-9).all()
    assert (np.diff(found, axis=1) >= -1e-4).all()
    assert found.min() >= 0.0
    assert found.max() <= 1.0


def test_percentiles_of_many_loads_are_those_of_each():
    shape = shape_of_times(RARE_SLOW)
    loads, servers = np.array([[0.0, 0.3], [0.8, 0.99]]), np.array([1, 4])
    found = response_percentile(0.99, loads, servers, shape)
    for at in np.ndindex(loads.shape):
        alone = response_percentile(0.99, loads[at], servers[at[1]], shape)
        assert found[at] == pytest.approx(float(alone), rel=1e-9)
        assert late_share(found[at] * (1 + 1e-6), loads[at], servers[at[1]], shape) <= 0.01 + 1e-6


def test_an_overload_is_refused():
    with pytest.raises(ValueError, match="utilisation: expected less than 1"):
        late_share(1.0, 1.0, 1, shape_of_variation(1.0))


def test_correlation_finds_slow_requests_in_a_row():
    generator = np.random.default_rng(1)
    alone = generator.exponential(1.0, 4000)
    # Independent: a standard deviation of 1/√n around 0.
    assert abs(lag_one_correlation(alone)) < 4 / math.sqrt(4000)
    assert lag_one_correlation(np.repeat(alone[:800], 5)) > 0.7
    assert lag_one_correlation([2.0, 2.0, 2.0]) == 0.0
