"""The rate limiter: as the formula says, and in memory that doesn't grow."""

import numpy as np
import pytest

from deployworkbook.formulas.rate_limit import admitted
from deployworkbook.serving.embedded.rates import RateLimiter


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.mark.parametrize("seed", range(6))
def test_each_client_has_the_formulas_bucket(seed, clock):
    generator = np.random.default_rng(seed)
    rate, burst = float(generator.uniform(0.5, 4)), int(generator.integers(1, 9))
    limiter = RateLimiter(rate, burst, clock=clock)
    times = np.cumsum(generator.exponential(0.2 / rate, 300))
    clients = generator.integers(0, 3, 300)
    taken = []
    for clock.now, client in zip(times, clients, strict=True):
        taken.append(limiter.take(str(client)) == 0)
    for client in range(3):
        own = clients == client
        expected = admitted(times[own], rate_per_s=rate, burst=burst)
        np.testing.assert_array_equal(np.array(taken)[own], expected)


def test_a_client_that_waits_as_told_is_admitted_and_one_that_is_early_is_not(clock):
    limiter = RateLimiter(3.0, 2, clock=clock)
    for _ in range(100):
        while (wait_s := limiter.take("a")) == 0:
            pass
        clock.now += 0.9 * wait_s
        assert limiter.take("a") > 0
        clock.now += 0.1 * wait_s
        assert limiter.take("a") == 0


def test_a_request_given_back_was_never_taken(clock):
    limiter = RateLimiter(1.0, 1, clock=clock)
    assert limiter.take("a") == 0
    limiter.give_back("a")
    assert (limiter.take("a"), limiter.take("a")) == (0, 1)


def test_full_buckets_are_forgotten_and_others_never(clock):
    """Strangers can't make the server forget what a client has used up."""
    limiter = RateLimiter(1.0, 5, most=10, clock=clock)
    while limiter.take("greedy") == 0:
        pass
    for number in range(1000):
        limiter.take(f"stranger {number}")
    assert len(limiter) <= 11
    assert limiter.take("greedy") > 0
    # Those without room share a bucket, whoever they are.
    assert limiter.take("another stranger") > 0
    clock.now += 60
    assert limiter.take("another stranger") == limiter.take("greedy") == 0
    assert len(limiter) <= 3
