"""The command: how it starts, what it says, and how it ends."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import psutil
import pytest
import requests

from deployworkbook.cli import main
from deployworkbook.serving.embedded import server as server_module
from deployworkbook.serving.embedded.errors import ServingError
from deployworkbook.serving.embedded.flags import NOT_DONE, PARENT_VARIABLE, Options, parse
from deployworkbook.serving.embedded.ports import bound, check_ports
from deployworkbook.serving.embedded.server import Server, ending_signals
from tests.serving import forms, models
from tests.serving.conftest import ADDRESS, free_port, predict_request, write
from tests.waiting import wait_until


def runs(pid):
    """Whether a process runs; a zombie, for which nobody waits, does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def call(*flags):
    return subprocess.run(
        [sys.executable, "-m", "deployworkbook", "serve", *map(str, flags)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "Nothing to serve"),
        (["--model_base_path=/m", "--port=0"], "No port to listen on"),
        (["--model_base_path=/m", "--batching_parameters_file=/b"], "needs --enable_batching"),
        (["--model_base_path=/m", "--rest_api_port=8500"], "are both 8500"),
        (["--model_base_path=/m", "--port=70000"], "from 0 to 65535"),
        (["--model_base_path=/m", "--enable_batching=perhaps"], "expected true or false"),
        (["--no_such_flag"], "unrecognized arguments"),
        (["--model_base_path=/m", "--host="], "127.0.0.1 or ::1"),
        (["--model_base_path=gs://bucket/m"], "Received: gs://bucket/m."),
        (["--model_base_path=hdfs://h/m"], "doesn't read hdfs:// file systems"),
        (["--model_config_file=s3://b/c"], "Received: s3://b/c."),
        (["--model_base_path=file://models/m"], "Is file:///models/m meant?"),
        (["--model_base_path="], "expected a path"),
    ],
)
def test_wrong_flags(flags, words, capsys):
    with pytest.raises(SystemExit) as ended:
        parse(flags)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_flags_as_tensorflow_serving_takes_them():
    options = parse(["--model_base_path", "/m", "--enable_batching=true", "--port=9000"])
    assert (options.enable_batching, options.port, options.rest_api_port) == (True, 9000, 0)
    assert not parse(["--model_base_path=/m", "--enable_model_warmup=false"]).enable_model_warmup


@pytest.mark.parametrize("text", ["/a b/%20", "file:///a b/%20", "FILE://localhost/a b/%20"])
def test_file_urls_are_paths_without_percent_decoding(text):
    options = parse([f"--model_base_path={text}", f"--monitoring_config_file={text}"])
    assert str(options.model_base_path) == str(options.monitoring_config_file) == "/a b/%20"


def test_sighup_ends_the_server_unless_it_is_ignored():
    assert {signal.SIGTERM, signal.SIGINT, signal.SIGHUP} == {*ending_signals()}
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        assert signal.SIGHUP not in ending_signals()
    finally:
        signal.signal(signal.SIGHUP, before)


def _has_ipv6():
    try:
        bound("::1", 0).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6")
def test_a_server_listens_on_an_ipv6_address(start, half, caplog):
    caplog.set_level(logging.INFO)
    server = start(model_base_path=half, model_name="half", host="::1")
    assert server.predict(predict_request()).outputs["y"].float_val == [3.0]
    assert server.post("half:predict", {"instances": [2]}).json() == {"predictions": [3.0]}
    for port in (server.options.port, server.options.rest_api_port):
        assert f"[::1]:{port} ..." in caplog.text
        with pytest.raises(OSError, match=rf"Can't listen on \[::1\]:{port}: Address already"):
            check_ports(Options(host="[::1]", port=port))


def test_an_address_of_another_machine_is_refused():
    with pytest.raises(OSError, match=r"Can't listen on 192\.0\.2\.1:8500: .*--host, such as"):
        check_ports(Options(host="192.0.2.1"))
    with pytest.raises(OSError, match=r"Can't listen on no\.such\.host\.invalid:8500"):
        check_ports(Options(host="no.such.host.invalid"))


def test_help_says_what_the_server_does_not_do():
    said = call("--help")
    assert said.returncode == 0
    assert NOT_DONE.strip() in said.stdout
    assert "--model_config_file_poll_wait_seconds" in said.stdout


def test_a_taken_port_is_reported(half):
    import socket

    with socket.create_server((ADDRESS, 0)) as taken:
        port = taken.getsockname()[1]
        for flag in ("--port", "--rest_api_port"):
            said = call(f"--model_base_path={half}", "--port=0", f"{flag}={port}")
            assert said.returncode == 1
            line = _in_a_line(said.stderr)
            assert f"Error: Can't listen on {ADDRESS}:{port}: Address already in use" in line
            assert "--port or --rest_api_port" in line
            assert "Traceback" not in said.stderr


def test_a_config_that_cannot_be_read(tmp_path):
    file = write(tmp_path / "c", "no config {")
    server = Server(Options(model_config_file=file, port=free_port()), threading.Event())
    with pytest.raises(ServingError, match=r"Error parsing .*\.ModelServerConfig"):
        server.run()


def test_the_process_exits_with_1_if_all_versions_are_broken(tmp_path):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "model.onnx").write_bytes(b"broken")
    said = call(
        f"--model_base_path={tmp_path}", "--max_num_load_retries=0", f"--port={free_port()}"
    )
    assert said.returncode == 1
    assert "Failed to start server" in said.stderr


def test_it_waits_for_a_version_with_closed_ports_and_drains_on_sighup(process, tmp_path):
    """It waits, warns, serves, and on SIGHUP, as on SIGTERM, finishes running requests."""
    base = tmp_path / "base"
    base.mkdir()
    running = process(
        f"--model_base_path={base}",
        "--host=0.0.0.0",
        "--file_system_poll_wait_seconds=0.1",
        "--drain_seconds=20",
    )
    running.says(f"No versions of servable default found under base path {base}")
    running.says("there is no password")
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://{ADDRESS}:{running.rest_port}/v1/models/default", timeout=5)
    forms.slow_onnx(tmp_path / "slow", rounds=150_000).rename(base / "1")
    running.says("Ready.")
    running.says(f"Running gRPC ModelServer at 0.0.0.0:{running.port}")
    results = []

    def over_grpc():
        results.append(running.predict(predict_request("default", [5.0])).outputs["y"].float_val[0])

    def over_rest():
        address = f"http://{ADDRESS}:{running.rest_port}/v1/models/default:predict"
        results.append(
            requests.post(address, json={"inputs": [5.0]}, timeout=30).json()["outputs"][0]
        )

    threads = [threading.Thread(target=each) for each in (over_grpc, over_rest)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    running.popen.send_signal(signal.SIGHUP)
    running.says("Stopping")
    for thread in threads:
        thread.join()
    assert results == [5.0, 5.0]
    assert running.popen.wait(30) == 0
    assert "Traceback" not in running.log.read_text()


def test_it_ends_with_its_parent_even_while_waiting_for_a_version(tmp_path):
    flags = [f"--model_base_path={tmp_path}", f"--port={free_port()}", "--stop_with_parent"]
    program = f"""
import subprocess, sys, time
server = subprocess.Popen([sys.executable, "-m", "deployworkbook", "serve", *{flags!r}])
print(server.pid, file=sys.stderr, flush=True)
time.sleep(600)
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], stderr=subprocess.PIPE, text=True
    ) as parent:
        server = int(parent.stderr.readline())
        assert any("No versions of servable" in line for line in parent.stderr)
        parent.kill()
        wait_until(lambda: not runs(server))


def test_it_ends_if_its_parent_ended_during_the_start(tmp_path, monkeypatch):
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    monkeypatch.setenv(PARENT_VARIABLE, str(gone.pid))
    given = {}
    monkeypatch.setattr(
        server_module, "run", lambda options, *, parent_id: given.update(parent_id=parent_id)
    )
    port = free_port()
    with pytest.raises(SystemExit):
        main(["serve", f"--model_base_path={tmp_path}", f"--port={port}", "--stop_with_parent"])
    assert given == {"parent_id": gone.pid}
    stopped = threading.Event()
    options = Options(model_base_path=tmp_path, port=port, stop_with_parent=True)
    Server(options, stopped, **given).run()  # returns, though there is nothing to serve yet
    assert stopped.is_set()


def test_an_independent_client(server):
    """ovmsclient has its own copies of the protos, which one process cannot hold twice."""
    program = f"""
import numpy as np
from ovmsclient import make_grpc_client, make_http_client
from ovmsclient.tfs_compat.base.errors import InvalidInputError, ModelNotFoundError
for client in (make_grpc_client("{ADDRESS}:{server.options.port}"),
               make_http_client("{ADDRESS}:{server.options.rest_api_port}")):
    x = np.array([2.0, 4.0], np.float32)
    answer = client.predict({{"x": x}}, "half", model_version=123)
    assert np.asarray(answer).tolist() == [3.0, 4.0], answer
    assert client.get_model_status("half", 123)[123]["state"] == "AVAILABLE"
    try:
        client.predict({{"x": x}}, "nobody", model_version=1)
    except ModelNotFoundError:
        print("not found")
    try:
        client.predict({{"z": x}}, "half", model_version=123)
    except InvalidInputError:
        print("invalid")
# Over HTTP it expects the names of another server.
client = make_grpc_client("{ADDRESS}:{server.options.port}")
print(client.get_model_metadata("half", 123)["model_version"])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:4] == ["not found", "invalid"] * 2
    assert done.stdout.split("\n")[4] == "123"


def test_memory_does_not_grow_over_ten_swaps(process, tmp_path):
    base, source = tmp_path / "base", models.wide(tmp_path / "source", size=1024)
    _link(source, base / "1")
    running = process(
        f"--model_base_path={base}", "--file_system_poll_wait_seconds=0.05", "--stop_with_parent"
    ).says("Ready.")
    request = predict_request("default", np.ones((4, 1024)))
    memory = psutil.Process(running.popen.pid)

    def swap(number):
        _link(source, base / str(number))
        running.says(f"Done unloading servable version {{name: default version: {number - 1}}}")
        assert running.predict(request).model_spec.version.value == number

    # What a first load and unload leave behind is TensorFlow's own, once and for all.
    for number in (2, 3, 4):
        swap(number)
    before = memory.memory_info().rss
    # Ten networks of 8.4 MB each would be more than a tenth.
    for number in range(5, 15):
        swap(number)
    assert memory.memory_info().rss < before * 1.1


def _in_a_line(text):
    return " ".join(text.split())


def _link(source, target):
    """Copy a folder instantly, with hard links."""
    hidden = target.parent.parent / "unfinished"
    for path in source.rglob("*"):
        if path.is_file():
            copy = hidden / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, copy)
    target.parent.mkdir(exist_ok=True)
    hidden.rename(target)
