"""A fault reaches a webhook: by a real Prometheus and a real Alertmanager.

The alerts are those of the deployment files; only the interval is a second. How long the message
takes is printed, not judged: it is a second or two on an idle machine.
"""

import json
import queue
import shutil
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest

from deployworkbook.deployment_files import alerts, monitoring
from deployworkbook.deployment_files.dashboard import JOB
from deployworkbook.monitoring import alertmanager_process, prometheus_process, tools
from deployworkbook.monitoring.alertmanager_process import Alertmanager
from deployworkbook.monitoring.exporter import Exporter
from deployworkbook.monitoring.panels import MODEL_PANELS, SERVER_PANELS
from deployworkbook.monitoring.watching import ByReader, watch
from deployworkbook.serving.api.server_files import METRICS_PATH
from tests.serving import forms
from tests.serving.conftest import predict_request, write
from tests.serving.conftest import start as start
from tests.waiting import wait_until


@pytest.fixture
def installed(missing):
    for names in (prometheus_process.PROMETHEUS, alertmanager_process.ALERTMANAGER):
        if not any(map(shutil.which, names)):
            missing(f"{names[0]}. {tools.INSTALL}")


@pytest.fixture
def webhook():
    """Messages that somebody is paged with."""
    messages = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers["Content-Length"])
            messages.put(json.loads(self.rfile.read(length)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_): ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    server.messages, server.seen = messages, set()
    server.address_text = f"http://127.0.0.1:{server.server_port}/"
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


class PretendedServer:
    """Metrics of TensorFlow Serving's names, as we want them."""

    def __init__(self):
        self.lines = {}
        pretended = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                body = "".join(f"{k} {v}\n" for k, v in dict(pretended.lines).items()).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_): ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/metrics"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def pretended():
    server = PretendedServer()
    yield server
    server.close()


def next_alert(webhook, name, status):
    """Wait for the next message that an alert of a name fires, or has gone."""
    while True:
        for alert in webhook.messages.get(timeout=120)["alerts"]:
            webhook.seen.add(alert["labels"].get("model_path"))
            if (alert["labels"]["alertname"], alert["status"]) == (name, status):
                return alert


LOADS = ":tensorflow:cc:saved_model:load_attempt_count"
REQUESTS = ":tensorflow:serving:request_count"


def test_a_fault_reaches_the_webhook_and_goes(installed, webhook, pretended, tmp_path):
    pretended.lines[f'{LOADS}{{model_path="/m/1",status="success"}}'] = 1
    groups = alerts.groups(monitoring.WATCH)
    with (
        Alertmanager(folder=tmp_path / "a", webhooks=[webhook.address_text]) as manager,
        watch(
            {JOB: [pretended.address]},
            kind="prometheus",
            groups=groups,
            alertmanager=manager.host_and_port,
            folder=tmp_path / "p",
        ) as watching,
    ):
        prometheus = watching.prometheus
        wait_until(lambda: prometheus.query("up == 1"), "a first reading")
        # Its only attempt: the counter appears with 1 and stays there.
        pretended.lines[f'{LOADS}{{model_path="/m/2",status="fail"}}'] = 1
        started = time.monotonic()
        alert = next_alert(webhook, "VersionDoesNotLoad", "firing")
        print(f"fault to webhook: {time.monotonic() - started:.1f} s")
        assert alert["labels"]["model_path"] == "/m/2"
        assert "/m/2" in alert["annotations"]["summary"]

        # A silence keeps the next one from the webhook, and Alertmanager says so.
        manager.silence(5, why="planned", alertname="VersionDoesNotLoad")
        pretended.lines[f'{LOADS}{{model_path="/m/3",status="fail"}}'] = 1

        def silenced():
            return [
                each["status"]["silencedBy"]
                for each in manager.alerts()
                if each["labels"].get("model_path") == "/m/3"
            ]

        wait_until(lambda: any(silenced()), "a silenced alert")

        # All requests fail: a page silences the tickets, and is sent.
        pretended.lines[f'{REQUESTS}{{model_name="digits",status="OK"}}'] = 50
        pretended.lines[f'{REQUESTS}{{model_name="digits",status="INTERNAL"}}'] = 50
        alert = next_alert(webhook, "ErrorBudgetBurns", "firing")
        assert {"ErrorBudgetBurns", "VersionDoesNotLoad"} <= set(watching.firing())
        assert (alert["labels"]["severity"], alert["labels"]["burn_rate"]) == ("page", "14.4")

        # The server starts again, without failures: the alert goes.
        pretended.lines = {f'{REQUESTS}{{model_name="digits",status="OK"}}': 1}
        next_alert(webhook, "ErrorBudgetBurns", "resolved")
    assert "/m/3" not in webhook.seen


def test_a_real_server_shows_every_panel_and_its_first_broken_version(installed, start, tmp_path):
    """The server tries a version once, so its counter of failures appears with 1."""
    forms.onnx(tmp_path / "model" / "1")
    file = write(
        tmp_path / "monitoring.config",
        f'prometheus_config {{ enable: true path: "{METRICS_PATH}" }}',
    )
    server = start(
        model_name="half",
        model_base_path=tmp_path / "model",
        monitoring_config_file=file,
        max_num_load_retries=0,
    )
    address = f"{server.address}{METRICS_PATH}"
    with watch(
        {JOB: [address]},
        kind="prometheus",
        groups=alerts.groups(monitoring.WATCH),
        folder=tmp_path / "p",
    ) as watching:
        wait_until(lambda: watching.prometheus.query("up == 1"), "a first reading")

        def shown():
            server.predict(predict_request())
            return all(watching.show(SERVER_PANELS).values())

        wait_until(shown, "every panel")
        assert watching.prometheus.alerts() == []
        (tmp_path / "broken").mkdir()
        (tmp_path / "broken" / "model.onnx").write_bytes(b"no model")
        (tmp_path / "broken").rename(tmp_path / "model" / "2")
        wait_until(watching.prometheus.alerts, "an alert")
        (alert,) = watching.prometheus.alerts()
    assert alert["labels"]["alertname"] == "VersionDoesNotLoad"
    assert alert["labels"]["model_path"].endswith("/model/2")


def test_a_lost_server_silences_what_it_explains(installed, webhook, tmp_path):
    """Alertmanager is told of a page, a ticket of the same name, and a lost server."""
    with Alertmanager(folder=tmp_path / "a", webhooks=[webhook.address_text]) as manager:

        def tell(name, severity, job):
            labels = {"alertname": name, "severity": severity, "job": job}
            manager.post("/api/v2/alerts", [{"labels": labels}])

        def inhibited(name, severity, job):
            return [
                bool(each["status"]["inhibitedBy"])
                for each in manager.alerts()
                if each["labels"] == {"alertname": name, "severity": severity, "job": job}
            ]

        tell("ServerDown", "page", "one")
        tell("ErrorBudgetBurns", "page", "two")
        wait_until(lambda: len(manager.alerts()) == 2)
        for job in ("one", "two"):
            tell("ErrorBudgetBurns", "ticket", job)
            tell("RequestsSlow", "ticket", job)
        wait_until(lambda: inhibited("ErrorBudgetBurns", "ticket", "one") == [True])
        wait_until(lambda: inhibited("RequestsSlow", "ticket", "one") == [True])
        wait_until(lambda: inhibited("ErrorBudgetBurns", "ticket", "two") == [True])
        assert inhibited("RequestsSlow", "ticket", "two") == [False]
        assert inhibited("ServerDown", "page", "one") == [False]


def traffic(exporter):
    generator = np.random.default_rng(0)
    for seconds in generator.exponential(0.01, 200):
        exporter.count(2, "OK", latencies_s=[seconds], classes=[3], confidences=[0.9])
    exporter.count(2, "INTERNAL")
    exporter.show_estimate(0.97)
    exporter.expect("cusum", 10)
    exporter.show_drift("cusum", 3.5, alarms=1)


def test_prometheus_and_the_reader_show_the_same_panels(installed, tmp_path):
    exporter = Exporter("digits", versions=[2])
    panels = list(MODEL_PANELS)
    with exporter.serve() as serving:
        address = f"http://{serving.address}/metrics"
        with (
            watch([address], kind="prometheus", folder=tmp_path) as real,
            watch([address], kind="embedded", interval="0.5s") as own,
        ):
            assert (real.kind, own.kind) == ("prometheus", "embedded")
            wait_until(lambda: real.prometheus.query("up == 1"))
            traffic(exporter)

            def all_shown():
                exporter.count(2, "OK", latencies_s=[0.01], classes=[3], confidences=[0.9])
                return all(real.show(panels).values()) and all(own.show(panels).values())

            wait_until(all_shown, "every panel")
            theirs, ours = real.show(panels), own.show(panels)
    for title in ("Accuracy, estimated without labels", "Drift: statistic of each detector"):
        assert theirs[title] == ours[title]
    p99 = "p99 2"
    assert theirs["Latency by version"][p99] == pytest.approx(
        ours["Latency by version"][p99], rel=0.2
    )
    assert theirs["Drift: alarms per hour"] == ours["Drift: alarms per hour"] == {"cusum": 1}


def test_without_prometheus_our_reader_reads_and_says_why(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    exporter = Exporter("digits", versions=[2])
    with (
        exporter.serve() as serving,
        watch([f"http://{serving.address}/metrics"]) as watching,
    ):
        assert isinstance(watching, ByReader)
        assert "apt-get install prometheus" in watching.why
        traffic(exporter)
        watching.read()
        shown = watching.show(MODEL_PANELS)
        assert shown["Requests per second, by version"]["version 2 INTERNAL"] > 0
        assert all(shown.values())
        assert watching.firing() == []
        assert not any(watching.show(SERVER_PANELS).values())
    with pytest.raises(FileNotFoundError, match="apt-get install"):
        watch([], kind="prometheus", folder=tmp_path)


def test_a_port_that_was_taken_meanwhile_is_replaced(installed, webhook, monkeypatch, tmp_path):
    taken, free = webhook.server_port, tools.free_port()
    ports = iter([taken, free])
    monkeypatch.setattr(tools, "free_port", lambda: next(ports))
    with Alertmanager(folder=tmp_path) as manager:
        assert manager.host_and_port == f"127.0.0.1:{free}"
        assert manager.alerts() == []


def test_a_prometheus_that_cannot_start_quotes_its_log(installed, tmp_path):
    with pytest.raises(RuntimeError, match=r"prometheus\.log"):
        watch(["http://127.0.0.1:1/metrics"], kind="prometheus", folder=tmp_path, interval="soon")
