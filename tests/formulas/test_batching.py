"""Batching: by hand, in its limits, and against an independent simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployworkbook.formulas.batching import filling, fluid_size, greedy_batches, most_per_s
from deployworkbook.formulas.intervals import mean_interval
from deployworkbook.formulas.overhead import Overhead
from deployworkbook.formulas.queueing import pollaczek_khinchine_s

LINE = Overhead(0.004, 0.001)


def test_by_hand():
    # 16 requests take 4 + 16 ms.
    assert most_per_s(LINE, 16) == pytest.approx(800.0)
    # 400/s: b = 0.4 (4 + b)  =>  b = 1.6 / 0.6
    assert fluid_size(400.0, LINE) == pytest.approx(1.6 / 0.6)
    assert fluid_size(1.0, LINE) == 1.0


@given(st.floats(0.05, 0.9))
def test_batches_of_one_are_m_d_1(rho):
    rate = rho * most_per_s(LINE, 1)
    found = greedy_batches(rate, LINE, 1)
    exact = 0.005 + float(pollaczek_khinchine_s(rate, 0.005, service_scv=0.0))
    assert found.mean_response_s == pytest.approx(exact, rel=1e-6)
    assert found.utilisation == pytest.approx(rho, rel=1e-6)
    assert found.mean_size == pytest.approx(1.0)


def simulate(rate, line, most, seed, requests=20_000):
    """Run by run, over arrivals drawn in advance: sizes, and responses without the first tenth."""
    times = np.cumsum(np.random.default_rng(seed).exponential(1 / rate, requests))
    responses, sizes, now, first = np.empty(requests), [], 0.0, 0
    while first < requests:
        now = max(now, times[first])
        last = min(first + most, int(np.searchsorted(times, now, side="right")))
        now += line.fixed + line.per_image * (last - first)
        responses[first:last] = now - times[first:last]
        sizes.append(last - first)
        first = last
    return np.mean(sizes[len(sizes) // 10 :]), responses[requests // 10 :].mean()


@pytest.mark.parametrize(("rate", "most"), [(100.0, 8), (400.0, 64), (600.0, 16)])
def test_greedy_batches_are_within_the_confidence_interval_of_a_simulation(rate, most):
    runs = np.array([simulate(rate, LINE, most, seed) for seed in range(8)])
    found = greedy_batches(rate, LINE, most)
    for column, value in zip(runs.T, (found.mean_size, found.mean_response_s), strict=True):
        low, high = mean_interval(column, confidence=0.999)
        assert low <= value <= high
        assert high - low < 0.2 * value


def test_at_high_load_batch_size_approaches_the_fluid_limit():
    found = greedy_batches(900.0, LINE, 500)
    assert found.mean_size == pytest.approx(fluid_size(900.0, LINE), rel=0.01)


@given(st.floats(1.0, 2000.0), st.integers(1, 64), st.floats(0.0, 0.1))
def test_filling_stays_within_batch_size_and_time_out(rate, batch, timeout):
    size, wait = filling(rate, batch, timeout)
    assert 1.0 <= size <= batch
    assert 0.0 <= wait <= min(timeout, (batch - 1) / (2 * rate) * (1 + 1e-9) + 1e-12) + 1e-12


def test_filling_equals_a_simulation():
    generator = np.random.default_rng(0)
    rate, batch, timeout, runs = 300.0, 6, 0.012, 40_000
    later = np.cumsum(generator.exponential(1 / rate, (runs, batch - 1)), axis=1)
    closes = np.minimum(later[:, -1], timeout)
    inside = later <= closes[:, None]
    sizes = 1 + inside.sum(axis=1)
    waits = closes + np.where(inside, closes[:, None] - later, 0.0).sum(axis=1)
    size, wait = filling(rate, batch, timeout)
    # With 40,000 batches, half a percent is more than four standard errors of either.
    assert size == pytest.approx(sizes.mean(), rel=0.005)
    assert wait == pytest.approx(waits.sum() / sizes.sum(), rel=0.01)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: greedy_batches(800.0, LINE, 16), "utilisation: expected less than 1"),
        (lambda: fluid_size(1000.0, LINE), "utilisation: expected less than 1"),
        (lambda: greedy_batches(799.9, LINE, 16), "Allow larger batches"),
        (lambda: most_per_s(LINE, 0), "max_batch: expected an integer"),
        (lambda: filling(0.0, 4, 0.01), "arrival_rate_per_s"),
        (lambda: filling(1.0, 4, -0.01), "timeout_s"),
    ],
)
def test_invalid_arguments_are_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
