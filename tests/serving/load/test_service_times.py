"""Service times in operation, from a load on a server whose times are known."""

import numpy as np
import pytest

from deployworkbook.serving.load import service_times as subject
from deployworkbook.serving.load.result import LoadResult
from deployworkbook.serving.load.target import LoadTarget

TARGET = LoadTarget("127.0.0.1:8500", (b"request",))
SERVICE_S = 0.002


def answered(sent, done, clients=None):
    n = len(sent)
    codes, versions = np.zeros(n, np.int64), np.ones(n, np.int64)
    return LoadResult(None, clients, 0.0, sent, sent, done, codes, versions)


@pytest.fixture
def simulated(monkeypatch):
    """A server that takes 2 ms, or 10 ms for every tenth request, one after another."""
    asked = {}

    def closed(target, clients, *, seconds):
        done = np.arange(1, 501) * SERVICE_S
        return answered(done - clients * SERVICE_S, done, clients)

    def opened(target, rate, *, seconds, seed):
        asked.update(rate=rate, seconds=seconds)
        rng = np.random.default_rng(seed)
        sent = np.cumsum(rng.exponential(1 / rate, round(rate * seconds)))
        service = np.where(np.arange(len(sent)) % 10 == 9, 5 * SERVICE_S, SERVICE_S)
        done, free = np.empty_like(sent), 0.0
        for place, (at, takes) in enumerate(zip(sent, service, strict=True)):
            done[place] = free = max(free, at) + takes
        return answered(sent, done)

    monkeypatch.setattr(subject, "closed_loop", closed)
    monkeypatch.setattr(subject, "open_loop", opened)
    return asked


def test_the_times_of_requests_that_waited_are_the_servers(simulated):
    times = subject.measure_service_times(TARGET, share=0.5, requests=4000)
    assert simulated["rate"] * simulated["seconds"] == pytest.approx(4000)
    kinds = np.isclose(times.service_s[:, None], [SERVICE_S, 5 * SERVICE_S], rtol=1e-6)
    assert kinds.any(axis=1).all()
    # Hundreds of requests wait, and about a tenth of those are slow.
    assert len(times.service_s) > 500
    assert kinds[:, 1].mean() == pytest.approx(0.1, abs=0.05)
    # The closed loop shows 500 requests/s; nine requests in ten take 2 ms, one 10 ms.
    assert times.rate_per_s == pytest.approx(0.5 / SERVICE_S)
    assert times.service_s.mean() == pytest.approx(1.4 * SERVICE_S, rel=0.2)


def test_the_ledgers_row_has_them_in_order_and_in_milliseconds(simulated):
    times = subject.measure_service_times(TARGET, requests=1000)
    row = times.row
    assert set(row) == {"service_load_per_s", "service_times_ms"}
    np.testing.assert_allclose(row["service_times_ms"], 1e3 * times.service_s, atol=1e-4)


def test_a_server_that_answers_nothing_is_named(monkeypatch):
    none = np.empty(0)
    monkeypatch.setattr(subject, "closed_loop", lambda *_, **__: answered(none, none, 4))
    with pytest.raises(ValueError, match="a server that answers these requests"):
        subject.measure_service_times(TARGET)


@pytest.mark.parametrize(
    ("change", "error"),
    [({"share": 1}, ValueError), ({"share": 0}, ValueError), ({"requests": 99}, ValueError)],
)
def test_wrong_arguments_are_refused(change, error):
    with pytest.raises(error, match=next(iter(change))):
        subject.measure_service_times(TARGET, **change)
