"""A queue replayed request by request."""

import numpy as np
import pytest

from deployworkbook.formulas.replay import replayed_waits_s


def test_one_server_by_hand():
    # The second arrives at 1 and starts at 4; the third arrives at 5 and starts at 7.
    assert replayed_waits_s([0.0, 1.0, 5.0, 20.0], [4.0, 3.0, 2.0, 1.0]).tolist() == [0, 3, 2, 0]


def test_two_servers_by_hand():
    # Free at 4 and 3 after the first two; the third starts at 3, the fourth at 4.
    arrivals, services = [0.0, 1.0, 2.0, 2.5], [4.0, 2.0, 3.0, 1.0]
    assert replayed_waits_s(arrivals, services, servers=2).tolist() == [0, 0, 1, 1.5]


def test_the_order_of_the_services_matters():
    generator = np.random.default_rng(0)
    services = np.where(generator.random(4000) < 0.1, 5.0, 0.5)
    arrivals = np.cumsum(generator.exponential(2.0, 4000))
    shuffled = replayed_waits_s(arrivals, services).mean()
    in_a_row = replayed_waits_s(arrivals, np.sort(services)).mean()
    assert in_a_row > 5 * shuffled


def test_an_idle_server_that_wakes_up_makes_welchs_mean_wait():
    generator = np.random.default_rng(1)
    rate, service, first = 0.5, 1.0, 3.0
    arrivals = np.cumsum(generator.exponential(1 / rate, 200_000))
    times = np.full(len(arrivals), service)
    waits = replayed_waits_s(arrivals, times, first_services_s=np.full(len(arrivals), first))
    usual = rate * service**2 / (2 * (1 - rate * service))
    more = rate * (first**2 - service**2) / (2 * (1 + rate * (first - service)))
    assert waits.mean() == pytest.approx(usual + more, rel=0.02)


def test_first_services_as_long_as_others_change_nothing():
    generator = np.random.default_rng(2)
    arrivals = np.cumsum(generator.exponential(1.0, 500))
    times = generator.exponential(0.7, 500)
    for servers in (1, 2):
        waits = replayed_waits_s(arrivals, times, servers=servers)
        same = replayed_waits_s(arrivals, times, servers=servers, first_services_s=times)
        np.testing.assert_allclose(same, waits, atol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([1.0, 0.0], [1.0, 1.0]), "arrivals_s: expected ascending times"),
        (([0.0, 1.0], [1.0]), "services_s: expected the shape"),
        (([0.0], [-1.0]), "services_s: expected at least 0"),
    ],
)
def test_invalid_arguments_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        replayed_waits_s(*arguments)
