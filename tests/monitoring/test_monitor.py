"""``deployworkbook monitor``: what it prints of a real server and of a pretended exporter."""

import json
import os
import pty
import signal
import subprocess
import sys

import numpy as np
import pytest

from deployworkbook.cli import main
from deployworkbook.monitoring.exporter import Exporter
from deployworkbook.monitoring.snapshot import open_reader, snapshot
from tests.serving import forms
from tests.serving.conftest import predict_request, write
from tests.serving.conftest import start as start
from tests.waiting import wait_until


def call(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(list(map(str, arguments)))
    return ended.value.code or 0


@pytest.fixture(scope="module")
def exporter():
    exporter = Exporter("digits", versions=[1, 2])
    for seconds in np.linspace(0.001, 0.02, 99):
        exporter.count(1, "OK", latencies_s=[seconds], classes=[3], confidences=[0.9])
    exporter.count(2, "INTERNAL")
    exporter.expect("cusum", 20.0)
    exporter.show_drift("cusum", 25.0, alarms=1)
    exporter.show_estimate(0.873)
    with exporter.serve() as serving:
        exporter.address = f"http://{serving.address}"
        yield exporter


@pytest.fixture(scope="module")
def server(start, tmp_path_factory):
    folder = tmp_path_factory.mktemp("monitored")
    forms.litert(folder / "model" / "1")
    return start(
        model_name="half",
        model_base_path=folder / "model",
        prefer_tflite_model=True,
        monitoring_config_file=write(
            folder / "monitoring.config",
            'prometheus_config { enable: true path: "/monitoring/prometheus/metrics" }',
        ),
    )


def test_once_as_json_has_every_figure_of_an_exporter(exporter, capsys):
    assert call("monitor", exporter.address, "--once", "--json", "--objective", 0.9) == 0
    (found,) = json.loads(capsys.readouterr().out)["servers"]
    assert (found["requests"], found["failed"]) == (100, 1)
    assert found["failed_share"] == 0.01
    # 10 of 100 may fail, and 1 did.
    assert found["budget_left"] == pytest.approx(0.9)
    (latency,) = found["latencies"]
    assert latency["of"] == "digits 1"
    assert latency["p99_ms"] == pytest.approx(20, rel=0.1)
    assert found["drift"] == [
        {"detector": "cusum", "statistic": 25.0, "threshold": 20.0, "alarms": 1}
    ]
    assert found["estimated_accuracy"] == 0.873
    assert found["per_second"] is None


def test_once_in_words(exporter, capsys):
    assert call("monitor", exporter.address, "--once") == 0
    said = capsys.readouterr().out
    for words in ("100 since its start", "cusum: 25 of 20, 1 alarm", "87.3%", "p99"):
        assert words in said


def test_a_server_tells_its_versions(server, capsys):
    server.predict(predict_request())
    assert call("monitor", server.address, "--once", "--json") == 0
    (found,) = json.loads(capsys.readouterr().out)["servers"]
    assert found["versions"] == [{"model": "half", "version": 1, "state": "AVAILABLE", "error": ""}]
    assert found["requests"] >= 1
    assert found["budget_left"] == 1


def test_rates_need_two_readings(exporter):
    reader = open_reader(exporter.address)
    before = snapshot(reader, objective=0.999)
    exporter.count(1, "OK", latencies_s=[0.001])
    assert reader.read()
    after = snapshot(reader, objective=0.999)
    reader.close()
    assert (before.per_second, after.requests) == (None, before.requests + 1)
    assert after.per_second > 0
    assert after.budget_left < 0


def test_nobody_there_is_exit_code_1(capsys):
    assert call("monitor", "http://127.0.0.1:1", "--once") == 1
    assert "127.0.0.1:1" in capsys.readouterr().out


def test_an_address_for_grpc_is_refused(capsys):
    assert call("monitor", "127.0.0.1:8500", "--once") == 1
    assert "port for REST" in " ".join(capsys.readouterr().err.split())
    assert call("monitor", "http://127.0.0.1:1", "--objective", 99.9) == 1
    assert "Did you mean 0.999?" in " ".join(capsys.readouterr().err.split())


def test_in_a_terminal_it_is_redrawn_until_ctrl_c(exporter):
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "deployworkbook", "monitor", exporter.address]
    process = subprocess.Popen(
        [*command, "--interval", "0.1"],
        stdin=theirs, stdout=theirs, stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "40"},
    )  # fmt: skip
    os.close(theirs)
    said = b""

    def redrawn():
        nonlocal said
        said += os.read(ours, 65536)
        return said.count(b"since its start") > 4

    wait_until(redrawn, "a second drawing")
    process.send_signal(signal.SIGINT)
    wait_until(lambda: process.poll() is not None)
    os.close(ours)
    assert process.returncode == 0
    assert b"per second" in said
    assert b"Traceback" not in said
