"""Requests served in batches: by hand, and properties of every queue."""

import numpy as np
import pytest

from deployworkbook.formulas.batch_simulation import serve_in_batches
from deployworkbook.formulas.overhead import Overhead
from deployworkbook.formulas.queueing import pollaczek_khinchine_s

COSTS = Overhead(0.004, 0.001)
ARRIVALS = np.cumsum(np.random.default_rng(0).exponential(1 / 300, 2000))


def test_a_lone_request_waits_for_the_time_out():
    served = serve_in_batches([1.0], COSTS, largest_batch=8, timeout_s=0.05)
    # 0.05 of waiting, 0.004 + 0.001 of work
    np.testing.assert_allclose(served.latencies_s, [0.055])
    assert served.utilisation == pytest.approx(0.005 / 0.055)


def test_requests_that_arrive_during_a_run_share_the_next_batch():
    served = serve_in_batches([0.0, 0.001, 0.002], COSTS, largest_batch=8, timeout_s=0.0)
    # The first runs alone until 0.005; the others then run together, 0.004 + 2 · 0.001.
    assert served.sizes.tolist() == [1, 2]
    assert served.mean_size == 1.5
    np.testing.assert_allclose(served.latencies_s, [0.005, 0.010, 0.009])
    np.testing.assert_allclose(served.waits_s, [0.0, 0.004, 0.003])


def test_a_full_batch_does_not_wait_for_the_time_out():
    served = serve_in_batches([0.0, 0.0, 0.0], COSTS, largest_batch=3, timeout_s=9.0)
    np.testing.assert_allclose(served.latencies_s, [0.007] * 3)


@pytest.mark.parametrize("largest", [1, 2, 5, 64, 5000])
@pytest.mark.parametrize("timeout_s", [0.0, 0.003, 1.0])
def test_every_request_is_served_once_in_order_within_the_largest_batch(largest, timeout_s):
    served = serve_in_batches(ARRIVALS, COSTS, largest_batch=largest, timeout_s=timeout_s)
    assert served.sizes.sum() == len(ARRIVALS)
    assert served.sizes.min() >= 1
    assert served.sizes.max() <= largest
    assert (served.starts_s[1:] >= served.ends_s[:-1] - 1e-12).all()
    assert (served.latencies_s >= COSTS.time(1) - 1e-12).all()
    assert 0 < served.utilisation <= 1 + 1e-12


def test_batches_of_one_wait_as_pollaczek_and_khinchine_say():
    rate = 120.0
    arrivals = np.cumsum(np.random.default_rng(1).exponential(1 / rate, 400_000))
    served = serve_in_batches(arrivals, COSTS, largest_batch=1, timeout_s=0.0)
    exact = float(pollaczek_khinchine_s(rate, float(COSTS.time(1)), service_scv=0.0))
    # At utilisation 0.6 waits are correlated over some ten requests, so 400,000 of them are worth
    # 20,000 independent ones: the mean's error is about 1 %.
    assert served.waits_s.mean() == pytest.approx(exact, rel=0.04)


def test_batches_keep_up_where_single_requests_do_not():
    # 300 per second arrive. Alone each takes 5 ms, so 200 per second; 16 take 20 ms, so 800.
    alone = serve_in_batches(ARRIVALS, COSTS, largest_batch=1, timeout_s=0.0)
    joined = serve_in_batches(ARRIVALS, COSTS, largest_batch=16, timeout_s=0.0)
    assert np.percentile(joined.latencies_s, 99) < np.percentile(alone.latencies_s, 50) / 10


@pytest.mark.parametrize(
    ("arrivals", "settings", "word"),
    [
        ([], {}, "arrivals_s"),
        ([1.0, 0.5], {}, "arrivals_s: expected ascending"),
        ([0.0], {"largest_batch": 0}, "largest_batch"),
        ([0.0], {"timeout_s": -1.0}, "timeout_s"),
    ],
)
def test_invalid_arguments_are_refused(arrivals, settings, word):
    with pytest.raises(ValueError, match=word):
        serve_in_batches(arrivals, COSTS, **({"largest_batch": 2, "timeout_s": 0.0} | settings))
