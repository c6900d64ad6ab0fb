"""A released model of digits, and five faults that tests from outside have to find.

Each fault is of the kind that is hard to see: the wrong model is as good as the right one, the
stale version gives the same answers, and nothing raises an error.
"""

import contextlib
import http.client
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save_model

from deployworkbook.serving.probing.recording import record_golden
from tests.serving.conftest import servers_of_this_process

ADDRESS = "127.0.0.1"
MODEL = "digits"
# The slow server waits longer than the budget by far, and no sound one takes nearly as long.
LATENCY_MS, SLOW_S = 400.0, 0.7

FAULTS = ("wrong model", "swapped labels", "pixels not scaled", "slow server", "stale version")


def trained(images, labels):
    """Fit a linear layer by least squares: 784 weights and a bias per class."""
    flat = images.reshape(len(images), -1).astype(np.float64)
    inputs = np.hstack([flat, np.ones((len(flat), 1))])
    wanted = np.eye(10)[labels]
    gram = inputs.T @ inputs + 10 * np.eye(inputs.shape[1])
    # Ten times, so that softmax has something to say.
    return 10 * np.linalg.solve(gram, inputs.T @ wanted)


def write_model(folder, weights, *, divide_by=1.0):
    """Write a version: softmax of a linear layer, as ONNX; some divide their inputs first."""
    constants = {
        "divisor": np.float32(divide_by),
        "weights": weights[:-1].astype(np.float32),
        "bias": weights[-1].astype(np.float32),
    }
    graph = helper.make_graph(
        [
            helper.make_node("Div", ["image", "divisor"], ["divided"]),
            helper.make_node("Flatten", ["divided"], ["flat"]),
            helper.make_node("Gemm", ["flat", "weights", "bias"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["probabilities"]),
        ],
        MODEL,
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 28, 28])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 10])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    folder.mkdir(parents=True)
    opset = [helper.make_opsetid("", 18)]
    save_model(
        helper.make_model(graph, opset_imports=opset, ir_version=9), str(folder / "model.onnx")
    )


class Proxy(ThreadingHTTPServer):
    """A proxy in front of a server, which does something before it passes a prediction on."""

    daemon_threads = True

    def __init__(self, address, before):
        super().__init__((ADDRESS, 0), _Passing)
        self.target, self.before = address.removeprefix("http://"), before

    @property
    def address(self):
        return f"http://{ADDRESS}:{self.server_port}"


class _Passing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 2**16  # head and body in one packet: the second would wait for an acknowledgement

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.endswith(":predict"):
            self.server.before()
        connection = http.client.HTTPConnection(self.server.target, timeout=60)
        kind = {"Content-Type": self.headers.get("Content-Type", "application/json")}
        connection.request(self.command, self.path, body or None, kind)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "date", "transfer-encoding"):
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def in_front_of(address, before):
    """Start a proxy; give it, and end it with the block."""
    proxy = Proxy(address, before)
    thread = threading.Thread(target=proxy.serve_forever, daemon=True)
    thread.start()
    yield proxy
    proxy.shutdown()
    proxy.server_close()
    thread.join()


@pytest.fixture(scope="session")
def planted(digits, tmp_path_factory):
    """The address of each faulty server, and under ``sound`` of the released one."""
    folder = tmp_path_factory.mktemp("planted")
    half = len(digits.train) // 2
    weights = trained(digits.train.images[:half], digits.train.labels[:half])
    other = trained(digits.train.images[half:], digits.train.labels[half:])
    swapped = weights.copy()
    swapped[:, [1, 7]] = weights[:, [7, 1]]
    write_model(folder / "sound" / "2", weights)
    write_model(folder / "wrong model" / "2", other)
    write_model(folder / "swapped labels" / "2", swapped)
    # It takes pixels from 0 to 255, and clients send 0 to 1.
    write_model(folder / "pixels not scaled" / "2", weights, divide_by=255.0)
    write_model(folder / "stale version" / "1", weights)
    with servers_of_this_process() as begin:
        addresses = {
            path.name: begin(model_base_path=path, model_name=MODEL, demo=True, port=0).address
            for path in sorted(folder.iterdir())
        }
        with in_front_of(addresses["sound"], lambda: time.sleep(SLOW_S)) as slow:
            yield addresses | {"slow server": slow.address}


@pytest.fixture(scope="session")
def golden(planted, digits):
    """What the sound server answered at its release."""
    some = digits.test.take(200)
    return record_golden(
        planted["sound"], some.images, some.labels, model=MODEL, latency_ms=LATENCY_MS
    )
