"""Several processes on the same ports are one server to their clients."""

import os
import signal
import socket
import sys
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import pytest
import requests

from deployworkbook.serving.embedded.errors import Code, ServingError
from deployworkbook.serving.embedded.flags import Options, complaint
from deployworkbook.serving.embedded.metrics import Metrics
from deployworkbook.serving.embedded.models import Version, VersionState
from deployworkbook.serving.embedded.peers import Peers, Place
from deployworkbook.serving.embedded.protos import model_management_pb2
from deployworkbook.serving.embedded.switchboard import Line, Switchboard
from deployworkbook.serving.embedded.workers import agreed
from tests.serving import forms
from tests.serving.conftest import ADDRESS, write
from tests.waiting import wait_until

linux = pytest.mark.skipif(sys.platform != "linux", reason="ports are shared on Linux only")


@pytest.fixture
def connect():
    """Workers of one switchboard, all in this process."""
    board, sockets = Switchboard(), {}

    def make(number):
        ours, theirs = socket.socketpair()
        line = Line(number, Connection(ours.detach()))
        threading.Thread(target=board.serve, args=(line,), daemon=True).start()
        sockets[number] = theirs
        return Peers(Place(number, os.dup(theirs.fileno())), threading.Event())

    make.board = board

    def lose(number):
        with sockets.pop(number) as ended:
            ended.shutdown(socket.SHUT_RDWR)

    make.lose = lose
    yield make
    for number in list(sockets):
        make.lose(number)


def ready(connect, peers, how_many, **handlers):
    peers.ready(handlers)
    wait_until(lambda: connect.board.ready_count == how_many)


def test_a_question_goes_to_all_workers_that_serve(connect):
    workers = [connect(number) for number in range(3)]
    for number, each in enumerate(workers):
        each.start()
        ready(connect, each, number + 1, double=lambda x, n=number: [n, 2 * x])
    for each in workers:
        assert sorted(each.ask("double", 4)) == [[0, 8], [1, 8], [2, 8]]


def test_a_worker_that_fails_answers_with_nothing_and_a_lost_one_not_at_all(connect):
    first, second = connect(1), connect(2)
    for each in (first, second):
        each.start()
    ready(connect, first, 1, count=lambda _: 1)
    ready(connect, second, 2, count=lambda _: 1 / 0)
    assert sorted(first.ask("count", None), key=str) == [1, None]
    connect.lose(2)
    wait_until(lambda: connect.board.ready_count == 1)
    assert first.ask("count", None) == [1]


def test_a_worker_that_starts_later_learns_of_the_last_change(connect):
    first, made = connect(1), []
    assert first.start() is None
    ready(connect, first, 1, change=made.append)
    for content in ("a", "b"):
        assert first.ask("change", content) == [None]
    assert made == ["a", "b"]
    late, told = connect(2), []
    assert late.start() == "b"
    first.ask("change", "c")  # while the second one starts
    ready(connect, late, 2, change=told.append)
    wait_until(lambda: told == ["c"])


START, LOADING, AVAILABLE, UNLOADING, END = VersionState


@pytest.mark.parametrize(
    ("own", "others", "expected"),
    [
        (AVAILABLE, [AVAILABLE, AVAILABLE], AVAILABLE),
        (AVAILABLE, [LOADING, AVAILABLE], LOADING),
        (AVAILABLE, [None], START),
        (LOADING, [AVAILABLE], LOADING),
        (AVAILABLE, [UNLOADING], UNLOADING),
        (AVAILABLE, [END, UNLOADING], END),
        (UNLOADING, [START], START),
        (AVAILABLE, [], AVAILABLE),
    ],
)
def test_a_version_is_available_when_all_workers_serve_it(own, others, expected):
    version = Version(7, Path(), state=own)
    told = [[] if state is None else [(7, state, 0, "")] for state in others]
    (found,) = agreed([version], told)
    assert (found.number, found.state, found.error) == (7, expected, None)


def test_an_error_of_one_worker_is_told_by_all():
    (found,) = agreed([Version(1, Path())], [[(1, END, Code.NOT_FOUND, "no such file")]])
    assert (found.error.code, found.error.text) == (Code.NOT_FOUND, "no such file")
    own = Version(1, Path(), error=ServingError(Code.UNKNOWN, "own"))
    (found,) = agreed([own], [[(1, END, Code.NOT_FOUND, "no such file")]])
    assert found.error.text == "own"


def test_metrics_of_several_processes_are_summed():
    states = []
    for times in (1, 2):
        metrics = Metrics()
        for _ in range(times):
            metrics.requests.add("m", "OK")
            metrics.request_latency.observe("m", "predict", "REST", value=15)
        states.append(metrics.state())
    text = Metrics.of(states).text()
    assert ':tensorflow:serving:request_count{model_name="m",status="OK"} 3' in text
    start = ":tensorflow:serving:request_latency"
    labels = 'model_name="m",API="predict",entrypoint="REST"'
    assert f'{start}_bucket{{{labels},le="10"}} 0' in text
    assert f'{start}_bucket{{{labels},le="18"}} 3' in text
    assert f"{start}_sum{{{labels}}} 45" in text


def test_workers_need_linux_and_at_least_one(monkeypatch):
    options = Options(model_base_path=Path("/m"), num_workers=2)
    monkeypatch.setattr(sys, "platform", "linux")
    assert complaint(options) == ""
    assert "--num_workers" in complaint(Options(model_base_path=Path("/m"), num_workers=0))
    for platform in ("win32", "darwin"):
        monkeypatch.setattr(sys, "platform", platform)
        assert "a server per port" in complaint(options)


@linux
def test_two_workers_swap_reload_and_are_replaced(process, tmp_path):
    base = tmp_path / "base"
    forms.onnx(base / "1")
    forms.onnx(tmp_path / "other" / "1")
    monitoring = write(tmp_path / "m", 'prometheus_config { enable: true path: "/metrics" }')
    running = process(
        f"--model_base_path={base}",
        "--num_workers=2",
        "--file_system_poll_wait_seconds=0.1",
        f"--monitoring_config_file={monitoring}",
    ).says("Ready.")
    parent = psutil.Process(running.popen.pid)
    first = {each.pid for each in parent.children()}
    assert len(first) == 2
    address = f"http://{ADDRESS}:{running.rest_port}"

    def ask(x=2.0, name="default"):
        # A connection each: Linux spreads them over the workers.
        answer = requests.post(
            f"{address}/v1/models/{name}:predict", json={"instances": [x]}, timeout=30
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["predictions"][0]

    assert {ask() for _ in range(40)} == {3.0}
    text = requests.get(f"{address}/metrics", timeout=30).text
    assert ':tensorflow:serving:request_count{model_name="default",status="OK"} 40' in text

    forms.onnx(tmp_path / "next", add=5.0).rename(base / "2")

    def state():
        found = requests.get(f"{address}/v1/models/default/versions/2", timeout=30)
        return found.json().get("model_version_status", [{}])[0].get("state")

    while state() != "AVAILABLE":
        assert ask() in (3.0, 6.0)
    # Available means: at both.
    assert {ask(name="default/versions/2") for _ in range(20)} == {6.0}
    assert {ask() for _ in range(20)} == {6.0}

    request = model_management_pb2.ReloadConfigRequest()
    config = request.config.model_config_list.config.add()
    config.name, config.base_path = "other", str(tmp_path / "other")
    config.model_platform = "tensorflow"
    path = "/tensorflow.serving.ModelService/HandleReloadConfigRequest"
    said = running.channel.unary_unary(path)(request.SerializeToString(), timeout=60)
    assert model_management_pb2.ReloadConfigResponse.FromString(said).status.error_code == 0
    assert {ask(name="other") for _ in range(20)} == {3.0}

    psutil.Process(min(first)).kill()
    running.says("has ended (exit code -9)")
    wait_until(lambda: len({each.pid for each in parent.children()} - first) == 1)
    running.popen.send_signal(signal.SIGCONT)  # nothing: the parent goes on
    deadline = time.monotonic() + 60
    while running.log.read_text().count("Exporting HTTP/REST API") < 3:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(0.2)
    assert {ask(name="other") for _ in range(20)} == {3.0}  # the new one, too

    running.popen.send_signal(signal.SIGTERM)
    assert running.popen.wait(30) == 0
    assert not any(psutil.pid_exists(pid) for pid in first)
    assert "Traceback" not in running.log.read_text()


@linux
def test_workers_that_cannot_start_end_the_server(process, tmp_path):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "model.onnx").write_bytes(b"broken")
    running = process(
        f"--model_base_path={tmp_path}", "--max_num_load_retries=0", "--num_workers=2"
    )
    assert running.popen.wait(60) == 1
    assert "Failed to start server" in running.log.read_text()
