"""Service times inferred from requests and answers: by hand, and for simulated queues."""

import numpy as np
import pytest

from deployworkbook.formulas.observed import observe_server


def queue(requests, seed, *, there=0.0, back=0.0):
    """Simulate one server at 60 % load, by Lindley's recursion: sent, done and service times."""
    draw = np.random.default_rng(seed)
    sent = np.cumsum(draw.exponential(1.0, requests))
    service, free, done = draw.gamma(4.0, 0.15, requests), -np.inf, np.empty(requests)
    for n in range(requests):
        free = max(sent[n] + there, free) + service[n]
        done[n] = free + back
    return sent, done, service


def test_by_hand():
    # The second waits from 1 to 4, the third from 6 to 7; the fourth finds the server free.
    seen = observe_server([0.0, 1.0, 6.0, 20.0], [4.0, 7.0, 9.0, 21.0])
    assert seen.service_s.tolist() == [3.0, 2.0]
    assert seen.unloaded_s.tolist() == [4.0, 1.0]


def test_answers_at_the_same_moment_give_no_service_time_of_zero():
    # The first two are answered at 4; the third, sent at 2, is answered at 9.
    seen = observe_server([0.0, 1.0, 2.0, 20.0], [4.0, 4.0, 9.0, 21.0])
    assert seen.service_s.tolist() == [5.0]


def test_requests_may_come_in_any_order():
    seen = observe_server([20.0, 1.0, 0.0, 6.0], [21.0, 7.0, 4.0, 9.0])
    assert seen.service_s.tolist() == [3.0, 2.0]
    assert seen.unloaded_s.tolist() == [4.0, 1.0]


def test_without_network_time_every_service_time_is_exact():
    sent, done, service = queue(2000, 1)
    seen = observe_server(sent, done)
    found = np.concatenate([seen.service_s, seen.unloaded_s])
    # The medians of two samples differ by chance, so a few requests count as neither kind.
    assert 1900 < len(found) <= 2000
    nearest = np.abs(found[:, None] - service[None, :]).min(axis=1)
    assert nearest.max() < 1e-9
    assert found.mean() == pytest.approx(service.mean(), rel=0.02)


def test_network_time_is_not_counted_as_service():
    sent, done, service = queue(20_000, 2, there=0.05, back=0.07)
    seen = observe_server(sent, done)
    for share in (0.1, 0.5, 0.9, 0.99):
        truth = np.quantile(service, share)
        assert np.quantile(seen.service_s, share) == pytest.approx(truth, rel=0.03)
        assert np.quantile(seen.unloaded_s, share) == pytest.approx(truth + 0.12, rel=0.03)
    # Requests sent while an answer was on its way are left out.
    assert len(seen.service_s) + len(seen.unloaded_s) < 20_000


@pytest.mark.parametrize(
    ("sent", "done", "words"),
    [
        ([0.0, 1.0], [1.0], "shape"),
        ([0.0, 2.0], [1.0, 1.5], "done_s: .*1 answers before"),
        ([0.0, 5.0], [1.0, 6.0], "sent_s: .*2 of 2 requests that did not wait"),
        ([], [], "sent_s"),
        ([0.0, np.nan], [1.0, 2.0], "sent_s"),
    ],
)
def test_uninformative_times_are_refused(sent, done, words):
    with pytest.raises(ValueError, match=words):
        observe_server(sent, done)
