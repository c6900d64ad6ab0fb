"""The launcher: which server it chooses, how it starts and stops it, and its errors."""

import os
import signal
import socket
import subprocess
import sys

import grpc
import psutil
import pytest
import requests

from deployworkbook.serving.client.connecting import connect
from deployworkbook.serving.client.errors import RequestError
from deployworkbook.serving.embedded.flags import PARENT_VARIABLE
from deployworkbook.serving.embedded.ports import bound
from deployworkbook.serving.embedded.protos import predict_pb2
from deployworkbook.serving.launcher import backends, guard, starting
from deployworkbook.serving.launcher.backends import (
    DEFENCES,
    EMBEDDED_ONLY,
    FLAGS,
    IMAGE,
    Backend,
    choose,
    server_command,
)
from deployworkbook.serving.launcher.running import StartError
from deployworkbook.serving.launcher.starting import start
from deployworkbook.serving.security.certificates import make_certificates
from deployworkbook.serving.security.tokens import make_token
from deployworkbook.workspace.folder import current_workspace
from tests.serving import fakes, forms
from tests.serving.conftest import ADDRESS, predict_request, write
from tests.serving.embedded.test_process import runs
from tests.waiting import wait_until

SYSTEM = "/usr/bin:/bin"


@pytest.fixture(scope="module")
def light(tmp_path_factory):
    """A folder of one version, 123, of y = x / 2 + 2, for which no server loads TensorFlow."""
    folder = tmp_path_factory.mktemp("light")
    forms.litert(folder / "123")
    return folder


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A folder of programs on PATH, with no others but the system's."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{SYSTEM}")
    real = backends.shutil.which
    # Whatever this machine has installed must not matter.
    monkeypatch.setattr(backends.shutil, "which", lambda name: real(name, path=str(folder)))
    return folder


def over_grpc(server, name="default"):
    with grpc.insecure_channel(server.grpc_address) as channel:
        call = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
        answer = call(predict_request(name).SerializeToString(), timeout=20, wait_for_ready=True)
    return predict_pb2.PredictResponse.FromString(answer).outputs["y"].float_val[0]


def over_rest(server, name="default"):
    address = f"{server.rest_address}/v1/models/{name}:predict"
    return requests.post(address, json={"inputs": [2.0]}, timeout=20).json()["outputs"][0]


def test_the_embedded_server_is_killed_and_replaced(light, path, proxy, tmp_path):
    """The second takes the first one's ports, serves its clients, and stops when told to."""
    config = write(
        tmp_path / "models.config",
        f'model_config_list {{ config {{ name: "half" base_path: "{light}" '
        'model_platform: "tensorflow" version_labels { key: "stable" value: 123 } } }',
    )
    with proxy.in_the_environment():
        first = start(
            light, model_name="half", monitoring=True, batching_parameters={"max_batch_size": 4}
        )
    assert proxy.connections == 0
    assert (first.backend, first.is_running(), first.exit_code) == ("embedded", True, None)
    assert "tensorflow_model_server is not on PATH; Docker is not installed" in repr(first)
    assert first.log_path.parent == current_workspace().logs
    # Ctrl-C in a lesson goes to the lesson's process group.
    assert os.getpgid(first.pid) == first.pid
    assert psutil.Process(first.pid).environ()[PARENT_VARIABLE] == str(os.getpid())
    assert over_grpc(first, "half") == over_rest(first, "half") == 3.0
    metrics = requests.get(first.metrics_address, timeout=10).text
    assert ':tensorflow:serving:request_count{model_name="half",status="OK"} 2' in metrics
    with grpc.insecure_channel(first.grpc_address) as channel:
        call = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
        too_many = predict_request("half", range(5)).SerializeToString()
        with pytest.raises(grpc.RpcError, match="larger than maximum input batch size 4"):
            call(too_many, timeout=20)
        os.kill(first.pid, signal.SIGKILL)
        wait_until(lambda: not first.is_running())
        assert first.exit_code == -signal.SIGKILL
        assert "ended with -9" in repr(first)
        first.stop()
        given = {"port": first.grpc_port, "rest_api_port": first.rest_port, "drain_seconds": 1}
        with start(model_config_file=config, prefer_tflite_model=True, **given) as second:
            # The same channel: a client need not know.
            call(predict_request("half").SerializeToString(), timeout=20, wait_for_ready=True)
            assert over_rest(second, "half/labels/stable") == 3.0
    assert (second.is_running(), second.exit_code) == (False, 0)
    assert second.log_tail(1).endswith("Stopped.")
    second.stop()


def test_kill_ends_only_its_own_server(half, path):
    fakes.install(path, "tensorflow_model_server", fakes.MODEL_SERVER)
    with start(half) as killed, start(half) as other:
        killed.kill()
        assert killed.exit_code == -signal.SIGKILL
        assert over_grpc(other) == over_rest(other) == 3.0


@pytest.mark.parametrize("name", ["binary", "container"])
def test_tensorflow_serving_is_preferred_where_installed(name, half, path):
    fakes.install(path, "docker", fakes.DOCKER)
    (path / "image").touch()
    if name == "binary":
        fakes.install(path, "tensorflow_model_server", fakes.MODEL_SERVER)
    with start(
        half,
        model_name="half",
        file_system_poll_wait_seconds=0.1,
        max_connections=7,
        batching_parameters={"max_batch_size": 8},
        monitoring=True,
    ) as server:
        assert server.backend == name
        assert over_grpc(server, "half") == over_rest(server, "half") == 3.0
        assert requests.get(server.metrics_address, timeout=10).status_code == 200
    given = fakes.calls(path)[-1]
    flags = {flag.split("=")[0][2:] for flag in given if flag.startswith("--")}
    assert not flags & EMBEDDED_ONLY
    assert {
        f"--model_base_path={half}",
        "--model_name=half",
        "--enable_batching=true",
        "--file_system_poll_wait_seconds=1",
    } <= set(given)
    assert server.exit_code == 0


PARENT = """
import sys, time
from deployworkbook.serving.launcher.starting import start
if __name__ == "__main__":
    server = start(sys.argv[1], backend=sys.argv[2], drain_seconds=1)
    print(server.pid, flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("name", ["binary", "container"])
def test_a_server_ends_with_its_parent_even_by_kill_9(name, half, path):
    """The embedded server does so itself; test_process covers it."""
    fakes.install(path, "docker", fakes.DOCKER)
    fakes.install(path, "tensorflow_model_server", fakes.MODEL_SERVER)
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(half), name], stdout=subprocess.PIPE, text=True
    )
    with parent:
        server = int(parent.stdout.readline())
        assert runs(server)
        parent.kill()
    wait_until(lambda: not runs(server))
    if name == "container":
        wait_until(lambda: fakes.calls(path)[-1][:2] == ["rm", "--force"])


def test_the_embedded_server_is_told_to_end_with_its_parent():
    words = server_command(Backend("embedded", ""), {"port": 1}, name="n")
    assert words[1:] == ["-m", "deployworkbook", "serve", "--port=1", "--stop_with_parent=true"]


def test_the_guard_ends_the_server_unless_told_it_has_ended(path):
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        command_line = [sys.executable, "-I", guard.__file__, str(other.pid)]
        subprocess.run(command_line, input=b".", check=True, timeout=20)
        assert other.poll() is None
        with subprocess.Popen(command_line, stdin=subprocess.DEVNULL) as told:
            assert other.wait(20) == -signal.SIGTERM
            assert told.wait(20) == 0


def test_auto_skips_docker_that_hangs_or_lacks_the_image(path, monkeypatch):
    assert choose("auto").name == "embedded"
    monkeypatch.setattr(backends, "PROBE_S", 60)  # a busy machine takes its time
    fakes.install(path, "docker", fakes.DOCKER)
    assert choose("auto").name == "embedded"
    assert choose("auto").why.endswith(f"Docker has no {IMAGE} yet")
    (path / "image").touch()
    assert choose("auto").name == "container"
    monkeypatch.setattr(backends, "PROBE_S", 0.2)
    fakes.install(path, "docker", "\nimport time; time.sleep(60)")
    assert choose("auto").name == "embedded"
    assert "Docker does not answer (nothing within 0.2 s)" in choose("auto").why
    with pytest.raises(RuntimeError, match="nothing within"):
        choose("container")


def test_a_server_with_certificates_for_both_sides_and_a_token(path, tmp_path):
    """Only the embedded server has all of these, so it is chosen though another is installed."""
    fakes.install(path, "tensorflow_model_server", fakes.MODEL_SERVER)
    forms.onnx(tmp_path / "models" / "1")
    certificates = make_certificates(tmp_path / "tls", client=True)
    token = make_token(tmp_path / "token")
    given = {"tls": certificates, "bearer_token_file": token}
    with start(tmp_path / "models", **given) as server:
        assert server.rest_address.startswith("https://")
        assert token.read_text().strip() not in " ".join(server.command)
        for address in (server.grpc_address, server.rest_address):
            with connect(address, tls=certificates, token=token) as client:
                assert client.predict([2.0], model="default").outputs["y"] == [3.0]
            with (
                connect(address, tls=certificates.ca, token=token) as client,
                pytest.raises(RequestError, match="the server refused this client's certificate"),
            ):
                client.status("default")
        assert "clients need one, too" in server.log_tail(100)
        assert token.read_text().strip() not in server.log_tail(1000)


@pytest.mark.parametrize("flag", sorted(DEFENCES))
def test_no_server_is_chosen_that_lacks_a_defence(flag, path):
    fakes.install(path, "tensorflow_model_server", fakes.MODEL_SERVER)
    assert choose("auto", flags=["port", flag]).why == f"TensorFlow Serving takes no {flag}"
    with pytest.raises(ValueError, match=f"because TensorFlow Serving takes no {flag}"):
        choose("binary", flags=[flag])


@pytest.mark.parametrize("name", ["binary", "container"])
def test_a_backend_that_is_not_installed(name, path):
    with pytest.raises(FileNotFoundError, match=r"no (tensorflow_model_server|docker) on PATH"):
        choose(name)


def test_a_container_is_confined_and_sees_its_files_at_their_own_paths(tmp_path):
    config = write(
        tmp_path / "models.config",
        'model_config_list { config { name: "a" base_path: "/srv/a,b" model_platform: "x" }\n'
        "config { name: 'c' base_path: '/srv/c' } }",
    )
    flags = {"port": 40001, "rest_api_port": 40002, "model_config_file": config}
    words = server_command(Backend("container", "", "docker"), flags, name="n")
    inside = words[words.index(IMAGE) + 1 :]
    assert inside == ["--port=8500", "--rest_api_port=8501", f"--model_config_file={config}"]
    assert {
        "--read-only",
        "--init",
        "--rm",
        "--publish=127.0.0.1:40001:8500",
        "--publish=127.0.0.1:40002:8501",
        '--mount=type=bind,"source=/srv/a,b","target=/srv/a,b",readonly',
        '--mount=type=bind,"source=/srv/c","target=/srv/c",readonly',
        f'--mount=type=bind,"source={config}","target={config}",readonly',
    } <= set(words)


def test_every_flag_is_the_real_servers_or_marked_as_ours():
    assert FLAGS - EMBEDDED_ONLY == fakes.REAL_FLAGS


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"no_such_flag": 1}, TypeError, "no_such_flag"),
        ({"stop_with_parent": False}, TypeError, "stop_with_parent"),
        ({"port": 0}, ValueError, "from 1 to 65535"),
        ({"backend": "docker"}, ValueError, "'container'"),
        ({"batching_parameters": {"size": 3}}, ValueError, "max_batch_size"),
        ({"model_config_file": "/c"}, ValueError, "both"),
        ({"ready_timeout_s": 0}, ValueError, "ready_timeout_s"),
    ],
)
def test_wrong_arguments(given, error, words, half):
    with pytest.raises(error, match=words):
        start(half, **{"backend": "embedded", **given})


def test_a_folder_without_versions(half, tmp_path):
    with pytest.raises(ValueError, match="no folder whose name is a number"):
        start(half / "123")
    with pytest.raises(FileNotFoundError):
        start(tmp_path / "missing")
    with pytest.raises(ValueError, match="neither"):
        start()


def test_a_named_port_that_is_taken_is_refused(half):
    with socket.create_server((ADDRESS, 0)) as taken:
        port = taken.getsockname()[1]
        for name in ("port", "rest_api_port"):
            with pytest.raises(OSError, match=rf"port {port} .*Choose another {name}"):
                start(half, **{name: port})


def test_another_port_is_chosen_if_one_is_taken_before_the_start(half, path, monkeypatch):
    fakes.install(path, "tensorflow_model_server", fakes.MODEL_SERVER)
    choose_ports, chosen = starting._ports, []

    def once_unlucky(*named):
        chosen.append(choose_ports(*named))
        return (taken.getsockname()[1], chosen[0][1]) if len(chosen) == 1 else chosen[-1]

    with socket.create_server((ADDRESS, 0)) as taken:
        monkeypatch.setattr(starting, "_ports", once_unlucky)
        with start(half) as server:
            assert server.grpc_port == chosen[1][0]
            assert over_grpc(server) == 3.0
        # The embedded server's log says it so, and a terminal breaks no line before this.
        with pytest.raises(OSError, match=r"^Can't listen on"):
            bound(ADDRESS, taken.getsockname()[1])
    assert "Can't listen on" in starting._TAKEN


def test_a_server_that_ends_before_it_serves_says_why(half, path):
    fakes.install(path, "tensorflow_model_server", "\nprint('no memory'); sys.exit(3)")
    with pytest.raises(StartError, match="ended with exit code 3") as error:
        start(half)
    assert str(error.value).endswith("no memory")
    assert str(current_workspace().logs) in str(error.value)


def test_a_server_that_does_not_serve_in_time_is_ended(half, path, monkeypatch):
    fakes.install(path, "tensorflow_model_server", "\nimport time; time.sleep(600)")
    real, made = starting.RunningServer, []
    monkeypatch.setattr(
        starting, "RunningServer", lambda *given: made.append(real(*given)) or made[-1]
    )
    with pytest.raises(StartError, match=r"did not serve within 0.2 s"):
        start(half, ready_timeout_s=0.2)
    assert [server.is_running() for server in made] == [False]
