"""A watched client, with the canary router on top and a pretended server below."""

import json

import numpy as np
import pytest

from deployworkbook.monitoring import recorder
from deployworkbook.monitoring.exporter import Exporter
from deployworkbook.monitoring.records import RequestLog
from deployworkbook.monitoring.reports import error_report
from deployworkbook.monitoring.watched_client import WatchedClient
from deployworkbook.serving.api.codes import Code
from deployworkbook.serving.api.types import Prediction
from deployworkbook.serving.client.base import Client
from deployworkbook.serving.client.errors import RequestError
from deployworkbook.serving.release.canary import CanaryRouter

VERSIONS = {"stable": 1, "canary": 2}


class Pretended(Client):
    """Version 1 answers, version 2 fails every second request and quotes it."""

    def __init__(self):
        super().__init__("127.0.0.1:1")
        self.asked = 0
        self.closed = False

    def predict(self, inputs, *, model, version=None, label=None, signature=None, deadline_s=None):
        number = version or VERSIONS.get(label, 1)
        if number == 2:
            self.asked += 1
            if self.asked % 2:
                raise RequestError(Code.INTERNAL, f"{inputs.tolist()} after {self.asked} ms")
        scores = np.full((len(inputs), 10), 0.01, np.float32)
        scores[:, 3] = 0.91
        return Prediction({"y": scores}, model, number)

    def close(self):
        self.closed = True

    def _predict(self, spec, arrays, until): ...

    def _metadata(self, spec, until): ...

    def _status(self, spec, until):
        return []


@pytest.fixture
def exporter():
    return Exporter("digits", versions=[1, 2])


@pytest.fixture
def log(tmp_path):
    with RequestLog(tmp_path / "log") as log:
        yield log


def test_a_canarys_versions_are_told_apart_in_metrics_and_log(exporter, log):
    client = WatchedClient(Pretended(), exporter=exporter, log=log)
    router = CanaryRouter(client, "digits", stable=1, canary=2, share=0.5)
    for key in range(200):
        router.predict(np.full((2, 4), 0.123), key=key)
    client.flush()
    canary = router.result("canary")
    text = exporter.text()

    def counted(version, code):
        name = f'requests_total{{code="{code}",model="digits",version="{version}"}} '
        return float(text.partition(name)[2].partition("\n")[0])

    assert counted(2, "INTERNAL") == canary.errors > 20
    assert counted(2, "OK") == canary.requests - canary.errors
    # The stable version answers for itself, and where the canary failed.
    assert counted(1, "OK") == 200 - counted(2, "OK")
    assert 'predictions_total{model="digits",predicted="3",version="1"}' in text
    (fault,) = error_report(log.path).faults
    assert (fault.count, set(fault.versions)) == (canary.errors, {"digits 2"})
    assert "0.123" not in log.path.read_text()


def test_each_request_has_an_id_a_version_and_a_latency(log):
    client = WatchedClient(Pretended(), log=log)
    client.predict(np.zeros((3, 4)), model="digits", label="stable")
    client.predict(np.zeros((1, 4)), model="digits")
    client.close()
    one, other = (json.loads(line) for line in log.path.read_text().splitlines())
    assert one["request_id"] != other["request_id"]
    assert (one["version"], one["examples"]) == (1, 3)
    assert one["latency_ms"] >= 0


def test_a_failure_is_in_the_log_when_it_is_raised(log):
    client = WatchedClient(Pretended(), log=log)
    client._recorder._ended.set()
    client._recorder._thread.join()
    client.predict(np.zeros((1, 4)), model="digits")
    with pytest.raises(RequestError):
        client.predict(np.zeros((1, 4)), model="digits", version=2)
    answered, failed = (json.loads(line) for line in log.path.read_text().splitlines())
    assert (answered["code"], failed["code"]) == ("OK", "INTERNAL")
    client.close()


def test_a_log_that_cannot_be_written_ends_no_prediction(log, exporter, caplog):
    with WatchedClient(Pretended(), log=log, exporter=exporter) as client:
        log.close()
        for _ in range(3):
            client.predict(np.zeros((1, 4)), model="digits")
            client.flush()
    (warning,) = caplog.records
    assert "not logged" in warning.message
    assert 'requests_total{code="OK",model="digits",version="1"} 3.0' in exporter.text()


def test_it_does_what_the_client_does(exporter):
    inner = Pretended()
    with WatchedClient(inner, exporter=exporter) as client:
        assert client.status("digits") == []
        with pytest.raises(RequestError, match="INTERNAL"):
            client.predict(np.zeros((1, 4)), model="digits", version=2)
    assert inner.closed


def test_notes_do_not_pile_up(exporter):
    """However slowly they are worked off, they hold no more than some images."""
    client = WatchedClient(Pretended(), exporter=exporter)
    client._recorder._ended.set()
    client._recorder._thread.join()
    for _ in range(30):
        client.predict(np.zeros((100, 4)), model="digits")
    assert client._recorder._examples < recorder.MOST_EXAMPLES
    assert 'requests_total{code="OK",model="digits",version="1"} 30.0' in exporter.text()
    client.close()


def test_an_array_that_is_reused_is_seen_as_it_was_sent():
    seen = []

    class Drift:
        def observe(self, images, scores):
            seen.extend(images[:, 0].tolist())

    with WatchedClient(Pretended(), drift=Drift()) as client:
        buffer = np.zeros((1, 4))
        for number in range(5):
            buffer[:] = number
            client.predict(buffer, model="digits")
    assert seen == [0, 1, 2, 3, 4]
