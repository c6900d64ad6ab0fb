"""Erlang's formulas, mean waits and distributions: by hand, and against tables and simulations."""

import math

import ciw
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import gammaincc, gammaln

from deployworkbook.formulas import queueing
from deployworkbook.formulas.erlang import erlang_b, erlang_c
from deployworkbook.formulas.intervals import mean_interval
from deployworkbook.formulas.replay import replayed_waits_s
from deployworkbook.formulas.response import response_times
from deployworkbook.formulas.waiting import response_percentile_s, response_survival

LOADS = st.floats(0.01, 0.97)


def late_share(time_s, rate, service_s, servers, *, service_scv=1.0):
    """Return P(R > t) of a queue, from its own waits."""
    delayed = erlang_c(servers, rate * service_s)
    wait = queueing.mean_conditional_wait_s(rate, service_s, servers, service_scv=service_scv)
    return response_survival(
        time_s, delayed, wait, service_time_s=service_s, service_scv=service_scv
    )


def test_m_m_c_equals_a_textbooks_table():
    """Cengage Learning's "Multiple Server Queueing Model": λ = 10, μ = 12, two to five servers."""
    servers = np.arange(2, 6)
    printed = {
        "probability an arrival has to wait": [0.245, 0.058, 0.011, 0.002],
        "average number waiting": [0.175, 0.022, 0.003, 0.000],
        "average number in the system": [1.008, 0.856, 0.836, 0.834],
        "average time waiting": [0.018, 0.002, 0.000, 0.000],
        "average time in the system": [0.101, 0.086, 0.084, 0.083],
    }
    wait = queueing.mean_wait_s(10.0, 1 / 12, servers)
    computed = {
        "probability an arrival has to wait": erlang_c(servers, 10 / 12),
        "average number waiting": 10.0 * wait,
        "average number in the system": 10.0 * (wait + 1 / 12),
        "average time waiting": wait,
        "average time in the system": wait + 1 / 12,
    }
    assert {name: np.round(row, 3).tolist() for name, row in computed.items()} == printed


def test_erlang_b_equals_a_published_value():
    """erlang.com's manual: 15 lines block one call in a hundred at 8.108 erlangs."""
    assert float(erlang_b(15, 8.1075)) < 0.01 < float(erlang_b(15, 8.1085))


@given(st.integers(1, 3000), st.floats(0.3, 1.5))
def test_erlang_b_equals_the_ratio_of_a_poisson_probability_to_its_sum(servers, share):
    load = servers * share
    weight = math.exp(servers * math.log(load) - load - gammaln(servers + 1))
    # Both sides lose digits to a logarithm of size c ln a, some 2e4.
    assert float(erlang_b(servers, load)) == pytest.approx(
        weight / gammaincc(servers + 1, load), rel=1e-9, abs=1e-300
    )


def test_erlang_b_with_very_many_servers_or_no_load():
    huge = float(erlang_b(200_000, 199_000.0))
    weight = math.exp(200_000 * math.log(199_000) - 199_000 - gammaln(200_001))
    assert huge == pytest.approx(weight / gammaincc(200_001, 199_000), rel=1e-6)
    assert erlang_b([1, 5], 0.0).tolist() == [0.0, 0.0]
    assert erlang_b([1, 100_000], [1.0, 10.0]).tolist() == [0.5, 0.0]


def test_by_hand():
    # λ = 3/s, s = 0.5 s: a = 1.5. B(1) = 1.5/2.5 = 0.6, B(2) = 1.5 · 0.6 / (2 + 0.9) = 0.9/2.9,
    # C(2) = B / (1 - 0.75 (1 - B)) = 0.9/2.9 / (1 - 0.75 · 2/2.9) = 0.9/1.4
    assert float(erlang_c(2, 1.5)) == pytest.approx(0.9 / 1.4)
    # E[W] = C s / (c - a) = 0.9/1.4 · 0.5 / 0.5
    assert float(queueing.mean_wait_s(3.0, 0.5, 2)) == pytest.approx(0.9 / 1.4)
    # M/D/1 at ρ = 0.8, s = 1: 0.8 / (2 · 0.2)
    assert float(queueing.pollaczek_khinchine_s(0.8, 1.0, service_scv=0.0)) == pytest.approx(2.0)


@given(LOADS, st.floats(1e-6, 10.0), st.floats(0, 5))
def test_allen_cunneen_with_one_server_is_pollaczek_khinchine(rho, time, scv):
    assert float(queueing.mean_wait_s(rho / time, time, 1, service_scv=scv)) == pytest.approx(
        float(queueing.pollaczek_khinchine_s(rho / time, time, service_scv=scv)), rel=1e-9
    )


@given(LOADS, st.integers(1, 60), st.floats(0, 4))
def test_more_servers_shorten_and_more_work_lengthens_the_wait(rho, servers, scv):
    rate = rho * servers
    # In one bisection, which takes as long for three as for one.
    plain, more_servers, less_work = response_percentile_s(
        0.99, [rate, rate, rate * 0.99], 1.0, [servers, servers + 1, servers], service_scv=scv
    )
    assert more_servers <= plain * (1 + 1e-12)
    assert less_work <= plain * (1 + 1e-12)
    assert float(erlang_c(servers + 1, rate)) <= float(erlang_c(servers, rate))


@given(LOADS, st.integers(1, 40), st.floats(0, 4), st.floats(0.5, 0.999))
def test_a_percentile_inverts_the_survival_function(rho, servers, scv, percentile):
    args = (rho * servers, 1.0, servers)
    t = response_percentile_s(percentile, *args, service_scv=scv)
    later = late_share(t * (1 + 1e-9), *args, service_scv=scv)
    sooner = late_share(t * (1 - 1e-9), *args, service_scv=scv)
    assert float(later) <= 1 - percentile + 1e-6
    assert float(sooner) >= 1 - percentile - 1e-6


@given(LOADS, st.integers(1, 40), st.floats(0, 4))
def test_the_survival_function_integrates_to_the_mean(rho, servers, scv):
    args = (rho * servers, 1.0, servers)
    mean = float(queueing.mean_wait_s(*args, service_scv=scv)) + 1.0
    longest = float(response_percentile_s(1 - 1e-9, *args, service_scv=scv))
    t = np.linspace(0, longest, 50_001)
    integral = np.trapezoid(late_share(t, *args, service_scv=scv), t)
    # Beyond the grid there is 1e-9; within it, a step at the fixed part costs half a cell.
    assert integral == pytest.approx(mean, rel=1e-3)


def test_m_m_1_is_exponential():
    t = np.array([0.0, 0.3, 2.0, 20.0])
    # Waiting and service together are exponential of rate (1 - ρ)/s.
    np.testing.assert_allclose(late_share(t, 8.0, 0.1, 1), np.exp(-2.0 * t), rtol=1e-12)


def crommelin(t, rho):
    """P(W ≤ t) of M/D/1 with s = 1, an alternating sum that is precise for short times."""
    terms = [
        math.exp(rho * (t - k)) * (-rho * (t - k)) ** k / math.factorial(k)
        for k in range(int(t) + 1)
    ]
    return (1 - rho) * sum(terms)


@pytest.mark.parametrize("rho", [0.2, 0.7, 0.9])
@pytest.mark.parametrize("t", [0.4, 1.3, 3.2, 6.5])
def test_response_times_of_one_server_are_exact_for_equal_service_times(rho, t):
    times = response_times(rho, [1.0], 1)
    # The grid has 65,536 cells and the wait no jumps but at 0: linear between them.
    assert times.late_share(1 + t) == pytest.approx(1 - crommelin(t, rho), abs=1e-6)


@pytest.mark.parametrize(("rho", "servers"), [(0.1, 1), (0.9, 1), (0.7, 4), (0.95, 20)])
def test_response_times_are_exact_for_exponential_service_times(rho, servers):
    count = 100_000
    sample = -np.log(1 - (np.arange(count) + 0.5) / count)
    times = response_times(rho * servers, sample, servers)
    for percentile in (0.5, 0.9, 0.99):
        exact = float(response_percentile_s(percentile, rho * servers, 1.0, servers))
        # The sample ends at ln 200,000 = 12.2.
        assert times.percentile_s(percentile) == pytest.approx(exact, rel=1e-3)


@given(LOADS, st.integers(1, 20), st.floats(0.0, 1.5))
def test_response_times_have_allen_and_cunneens_mean(rho, servers, spread):
    sample = np.exp(np.random.default_rng(1).normal(0, spread, 500))
    rate = rho * servers / sample.mean()
    scv = sample.var() / sample.mean() ** 2
    wait = float(queueing.mean_wait_s(rate, sample.mean(), servers, service_scv=scv))
    times = response_times(rate, sample, servers)
    assert times.mean_s == pytest.approx(wait + sample.mean(), rel=2e-3)


def test_unloaded_times_are_added_to_the_wait():
    alone = response_times(0.0, [0.010], 1, unloaded_s=[0.012, 0.014])
    assert alone.mean_s == pytest.approx(0.013, rel=1e-3)
    loaded = response_times(50.0, [0.010], 1, unloaded_s=[0.012, 0.014])
    wait = float(queueing.pollaczek_khinchine_s(50.0, 0.010, service_scv=0.0))
    assert loaded.mean_s == pytest.approx(0.013 + wait, rel=1e-3)


@pytest.mark.parametrize("servers", [1, 3, 10])
def test_replayed_waits_are_those_of_ciw(servers):
    """Request by request, so the simulations below can be replayed, which takes far less time."""
    generator = np.random.default_rng(servers)
    between = generator.exponential(1 / (0.8 * servers), 500)
    services = generator.lognormal(-0.2, 0.6, 500)
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Sequential([*between, math.inf])],
        service_distributions=[ciw.dists.Sequential(services.tolist())],
        number_of_servers=[servers],
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_time(between.sum() + services.sum())
    records = sorted(simulation.get_all_records(), key=lambda record: record.id_number)
    np.testing.assert_allclose([record.service_time for record in records], services, rtol=1e-9)
    waits = replayed_waits_s(np.cumsum(between), services, servers=servers)
    assert (waits > 0).mean() > 0.2
    np.testing.assert_allclose([record.waiting_time for record in records], waits, atol=1e-9)


def simulate(rate, draw_services, servers, seed, *, requests=10_000):
    """Replay random requests: waits and response times after the warm-up."""
    generator = np.random.default_rng(seed)
    arrivals = np.cumsum(generator.exponential(1 / rate, requests))
    services = draw_services(generator, requests)
    waits = replayed_waits_s(arrivals, services, servers=servers)
    late = np.s_[requests // 10 :]
    return waits[late], (waits + services)[late]


def replicate(figure, *args):
    """Return Student's interval of a figure's mean over forty independent runs.

    One in ten million misses the mean.
    """
    values = np.array([figure(*simulate(*args, seed)) for seed in range(40)])
    return [mean_interval(column, confidence=1 - 1e-7) for column in values.T]


@pytest.mark.parametrize(("rate", "servers"), [(0.6, 1), (2.4, 3), (8.0, 10)])
def test_m_m_c_is_within_the_confidence_interval_of_a_simulation(rate, servers):
    def exponential(generator, count):
        return generator.exponential(1.0, count)

    def figures(waits, responses):
        # Shares are unbiased in a finite sample, unlike percentiles.
        t = float(response_percentile_s(0.9, rate, 1.0, servers))
        return waits.mean(), (waits > 0).mean(), responses.mean(), (responses > t).mean()

    found = replicate(figures, rate, exponential, servers)
    wait = float(queueing.mean_wait_s(rate, 1.0, servers))
    exact = (wait, float(erlang_c(servers, rate)), wait + 1.0, 0.1)
    for (low, high), value in zip(found, exact, strict=True):
        assert low <= value <= high
        # An interval that contains anything proves nothing.
        assert high - low < value / 2


def test_response_times_are_near_a_simulation_of_m_g_c():
    """Three servers, lognormal service times of squared variation 0.5; approximate to 5 %."""
    sigma = math.sqrt(math.log(1.5))

    def lognormal(generator, count):
        return generator.lognormal(-(sigma**2) / 2, sigma, count)

    def figures(waits, responses):
        return waits.mean(), np.percentile(responses, 99)

    (wait_low, wait_high), (low, high) = replicate(figures, 2.1, lognormal, 3)
    sample = lognormal(np.random.default_rng(0), 100_000)
    times = response_times(2.1, sample, 3)
    two_moments = response_percentile_s(0.99, 2.1, 1.0, 3, service_scv=0.5)
    wait = float(queueing.mean_wait_s(2.1, 1.0, 3, service_scv=0.5))
    assert low * 0.95 <= times.percentile_s(0.99) <= high * 1.05
    assert low * 0.95 <= float(two_moments) <= high * 1.05
    assert wait_low * 0.95 <= wait <= wait_high * 1.05


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: queueing.mean_wait_s(10.0, 0.1, 1), "less than 1. Received: 1. More work"),
        (lambda: erlang_c(3, 4.5), "utilisation: expected less than 1. Received: 1.5"),
        (lambda: erlang_b(0, 1.0), "servers: expected whole numbers of at least 1"),
        (lambda: erlang_b(1.5, 1.0), "servers: .* Received: 1.5"),
        (lambda: erlang_b([1, 2], [1.0, 2.0, 3.0]), "offered_load: expected a shape"),
        (lambda: queueing.utilisation(-1.0, 0.1, 1), "arrival_rate_per_s: expected at least 0"),
        (lambda: queueing.mean_wait_s(1.0, 0.1, 1, service_scv=-1), "service_scv"),
        (lambda: queueing.mean_wait_s(math.nan, 0.1, 1), "arrival_rate_per_s: .* finite"),
        (lambda: response_percentile_s(1.0, 1.0, 0.1, 1), "percentile"),
        (lambda: response_percentile_s(0.99, 1.0, 0.0, 1), "service_time_s: .* more than 0"),
        (lambda: response_times(1.0, [2.0], 1), "utilisation: expected less than 1"),
        (lambda: response_times(1.0, [], 1), "at least one number"),
        (lambda: response_times(1.0, [0.1, 0.0], 1), "times_s: expected positive times"),
    ],
)
def test_impossible_queues_are_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
