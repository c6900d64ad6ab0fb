"""The token bucket: at most b + r t in any t seconds, and nobody is refused without need."""

import numpy as np
import pytest

from deployworkbook.formulas.rate_limit import admitted, most_admitted, shortest_time_s


@pytest.fixture(params=range(8))
def arrivals(request):
    generator = np.random.default_rng(request.param)
    rate, burst = float(generator.uniform(0.2, 5)), int(generator.integers(1, 12))
    times = (
        np.cumsum(generator.exponential(0.5 / rate, 200)) * generator.integers(0, 2, 200).cumsum()
    )
    return np.sort(times), rate, burst


def test_no_window_has_more_than_the_burst_and_what_has_flowed_in(arrivals):
    times, rate, burst = arrivals
    kept = times[admitted(times, rate_per_s=rate, burst=burst)]
    first, last = np.triu_indices(len(kept))
    most = most_admitted(kept[last] - kept[first], rate_per_s=rate, burst=burst)
    assert (last - first + 1 <= most).all()


def test_a_refused_request_finds_an_empty_bucket(arrivals):
    """Admitting it would break the promise of some window before it."""
    times, rate, burst = arrivals
    is_admitted = admitted(times, rate_per_s=rate, burst=burst)
    kept = times[is_admitted]
    for refused in times[~is_admitted]:
        before = kept[kept <= refused][::-1]
        counts = np.arange(1, len(before) + 1)
        assert (counts + 1 > burst + rate * (refused - before)).any()


def test_a_client_that_waits_for_each_token_is_never_refused():
    times = np.arange(1000) * (1 / 3)
    assert admitted(times, rate_per_s=3, burst=1).all()


def test_the_shortest_time_suffices_and_a_shorter_one_does_not():
    for requests in (1, 10, 11, 500):
        needed = shortest_time_s(requests, rate_per_s=2.5, burst=10)
        assert most_admitted(needed, rate_per_s=2.5, burst=10) >= requests
        if needed:
            assert most_admitted(needed - 0.01, rate_per_s=2.5, burst=10) < requests


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: admitted([1, 0], rate_per_s=1, burst=1), "ascending order"),
        (lambda: admitted([0, 1], rate_per_s=0, burst=1), "rate_per_s"),
        (lambda: admitted([0, 1], rate_per_s=1, burst=0.5), "burst"),
        (lambda: shortest_time_s(-1, rate_per_s=1, burst=1), "requests"),
        (lambda: most_admitted(-1, rate_per_s=1, burst=1), "seconds"),
    ],
)
def test_wrong_arguments_are_named(call, match):
    with pytest.raises(ValueError, match=match):
        call()
