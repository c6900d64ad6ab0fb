"""Servers for tests: in this process where a process of its own is not what is tested."""

import contextlib
import itertools
import os
import shutil
import socket
import threading
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
import pytest
import requests

from deployworkbook.serving.api.addresses import host_and_port
from deployworkbook.serving.embedded.flags import Options
from deployworkbook.serving.embedded.protos import predict_pb2, tf
from deployworkbook.serving.embedded.server import Server
from tests.serving import models

ADDRESS = "127.0.0.1"


# Below the ports that the system gives out, so that no other process takes one between the look and
# the server's start; each process of a parallel run has a range of its own.
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 4
PORTS = range(12_000 + 4_000 * WORKER, 16_000 + 4_000 * WORKER)
NEXT_PORTS = itertools.islice(itertools.cycle(PORTS), os.getpid() % len(PORTS), None)


def free_port():
    for port in NEXT_PORTS:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((ADDRESS, port))
            return port
    raise AssertionError("the ports are endless")


# A colon, a slash, a space and a percent sign mean something in the paths of REST.
AWKWARD_NAME = "数字 模型/a:b%c"


@dataclass
class Running:
    """A server, and both ways to it."""

    options: Options
    channel: grpc.Channel
    server: Server = None

    @property
    def address(self):
        return f"http://{host_and_port(self.options.host, self.options.rest_api_port)}"

    def call(self, service, method, request, answer, timeout=30):
        path = f"/tensorflow.serving.{service}/{method}"
        return self.channel.unary_unary(
            path,
            request_serializer=lambda r: r if isinstance(r, bytes) else r.SerializeToString(),
            response_deserializer=answer.FromString,
        )(request, timeout=timeout)

    def predict(self, request):
        return self.call("PredictionService", "Predict", request, predict_pb2.PredictResponse)

    def post(self, path, json=None, **given):
        return requests.post(f"{self.address}/v1/models/{path}", json=json, timeout=30, **given)

    def get(self, path):
        return requests.get(f"{self.address}/v1/models{path}", timeout=30)


def predict_request(name="half", x=(2.0,), **spec):
    """y = x / 2 + 2 is asked for."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = name
    for key, value in spec.items():
        if key == "version":
            request.model_spec.version.value = value
        else:
            setattr(request.model_spec, key, value)
    if x is not None:
        array = np.array(x, np.float32)
        request.inputs["x"].CopyFrom(tf.make_tensor_proto(array))
    return request


@contextlib.contextmanager
def servers_of_this_process():
    """Give what starts servers in this process; all end with the block."""
    running = []

    def begin(*, ready=True, **given):
        options = Options(
            **{
                "port": free_port(),
                "rest_api_port": free_port(),
                "file_system_poll_wait_seconds": 0.05,
                "max_num_load_retries": 0,
                "drain_seconds": 2,
                **given,
            }
        )
        stopped = threading.Event()
        server = Server(options, stopped)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        running.append((stopped, thread))
        channel = grpc.insecure_channel(
            host_and_port(options.host, options.port),
            [("grpc.max_receive_message_length", -1), ("grpc.use_local_subchannel_pool", 1)],
        )
        if options.port and ready:
            grpc.channel_ready_future(channel).result(timeout=30)
        if options.rest_api_port:
            _wait_for(options.host, options.rest_api_port)
        return Running(options, channel, server)

    yield begin
    for stopped, _ in running:
        stopped.set()
    for _, thread in running:
        thread.join(10)


@pytest.fixture(scope="module")
def start():
    """Start servers that end with the module: each looks for versions twenty times a second."""
    with servers_of_this_process() as begin:
        yield begin


def _wait_for(host, port):
    for _ in range(1000):
        with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=5):
            return
        threading.Event().wait(0.01)
    raise TimeoutError(port)


@dataclass
class Proxy:
    """A proxy that answers nothing, and counts who asks it."""

    listener: socket.socket
    connections: int = 0

    def count(self):
        while True:
            try:
                asked, _ = self.listener.accept()
            except OSError:
                return  # closed
            self.connections += 1
            asked.close()

    @contextlib.contextmanager
    def in_the_environment(self):
        """Name it as all programs are told of a proxy, with nothing excepted."""
        url = f"http://{ADDRESS}:{self.listener.getsockname()[1]}"
        with pytest.MonkeyPatch.context() as patch:
            for kind in ("http", "https", "all", "grpc"):
                patch.setenv(f"{kind}_proxy", url)
                patch.setenv(f"{kind}_proxy".upper(), url)
            for name in ("no_proxy", "no_grpc_proxy", "NO_PROXY", "NO_GRPC_PROXY"):
                patch.delenv(name, raising=False)
            yield


@pytest.fixture
def proxy():
    proxy = Proxy(socket.create_server((ADDRESS, 0)))
    thread = threading.Thread(target=proxy.count, daemon=True)
    thread.start()
    yield proxy
    proxy.listener.shutdown(socket.SHUT_RDWR)
    proxy.listener.close()
    thread.join()


@pytest.fixture(scope="session")
def half(tmp_path_factory):
    """A folder of one version, 123, of y = x / 2 + 2."""
    folder = tmp_path_factory.mktemp("half")
    models.half_plus_two(folder / "123")
    return folder


@pytest.fixture(scope="session")
def all_types(tmp_path_factory):
    folder = tmp_path_factory.mktemp("types")
    models.types(folder / "1")
    return folder


@pytest.fixture(scope="session")
def server(half, all_types, tmp_path_factory):
    """Both models, labels and metrics; nothing that a test changes."""
    files = tmp_path_factory.mktemp("files")
    again = shutil.copytree(half, files / "half")
    with servers_of_this_process() as begin:
        yield begin(
            model_config_file=write(
                files / "models.config",
                f"""
                model_config_list {{
                  config {{ name: "half" base_path: "{half}" model_platform: "tensorflow"
                            version_labels {{ key: "stable" value: 123 }} }}
                  config {{ name: "{AWKWARD_NAME}" base_path: "{again}" model_platform: "tensorflow"
                            version_labels {{ key: "{AWKWARD_NAME}" value: 123 }} }}
                  config {{ name: "types" base_path: "{all_types}" model_platform: "tensorflow" }}
                }}""",
            ),
            monitoring_config_file=write(
                files / "monitoring.config",
                'prometheus_config { enable: true path: "/metrics/here" }',
            ),
        )


def write(path, text):
    Path(path).write_text(text)
    return Path(path)
