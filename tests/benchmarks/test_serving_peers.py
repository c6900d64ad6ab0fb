"""The embedded server beside what people would pick instead: the same network, the same requests.

Prints requests per second over REST and gRPC, at 1, 16 and 64 connections, for a small and a wide
network, each server as one process. The load generator is ``wrk`` on the same machine, or the
package's own without it. The others' environments are made on request (see ``peers.COMMAND``).
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import requests
from onnx import TensorProto, helper, numpy_helper
from scipy import stats

from deployworkbook.serving.load import loops
from deployworkbook.serving.load.target import LoadTarget
from deployworkbook.training.keras2 import tf
from tests.benchmarks import peers
from tests.serving.conftest import ADDRESS, free_port, predict_request
from tests.waiting import wait_until

pytestmark = [pytest.mark.report, pytest.mark.timeout(3600)]

CONNECTIONS, ROUNDS, SECONDS = (1, 16, 64), 5, 2.0
SIZES = {"small": [(784, 128), (128, 10)], "wide": [(3072, 3072), (3072, 3072), (3072, 10)]}
THREADS = 1  # per run of the network, for each server
OURS = "embedded (SavedModel)"
PATH = "/tensorflow.serving.PredictionService/Predict"


def layers(kind):
    generator = np.random.default_rng(0)
    return [generator.normal(0, a**-0.5, (a, b)).astype(np.float32) for a, b in SIZES[kind]]


def save_onnx(weights, path):
    nodes, name = [], "x"
    for number in range(len(weights)):
        nodes.append(helper.make_node("MatMul", [name, f"w{number}"], [f"m{number}"]))
        last = number == len(weights) - 1
        name = "y" if last else f"a{number}"
        nodes.append(helper.make_node("Softmax" if last else "Relu", [f"m{number}"], [name]))
    sizes = weights[0].shape[0], weights[-1].shape[1]
    ends = [
        helper.make_tensor_value_info(each, TensorProto.FLOAT, ["n", size])
        for each, size in zip("xy", sizes, strict=True)
    ]
    given = [numpy_helper.from_array(w, f"w{number}") for number, w in enumerate(weights)]
    graph = helper.make_graph(nodes, "net", ends[:1], ends[1:], given)
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), path)


def save_savedmodel(weights, path):
    module = tf.Module()
    module.weights = [tf.Variable(each) for each in weights]

    @tf.function(input_signature=[tf.TensorSpec([None, len(weights[0])], tf.float32, "x")])
    def serve(x):
        for each in module.weights[:-1]:
            x = tf.nn.relu(tf.matmul(x, each))
        return {"y": tf.nn.softmax(tf.matmul(x, module.weights[-1]))}

    tf.saved_model.save(module, str(path), signatures={"serving_default": serve})


@pytest.fixture(params=SIZES)
def network(request, tmp_path):
    """Both files of a network, and an image for it."""
    weights = layers(request.param)
    save_onnx(weights, tmp_path / "net.onnx")
    save_savedmodel(weights, tmp_path / "base" / "1")
    image = np.random.default_rng(1).random((1, len(weights[0]))).round(4)
    return request.param, tmp_path, image


@contextlib.contextmanager
def process(command, port, log, **environment):
    """Run a server until the block ends; enter it when its port answers."""
    with log.open("w") as output:
        started = subprocess.Popen(
            list(map(str, command)), stdout=output, stderr=output, env={**os.environ, **environment}
        )
    try:
        wait_until(lambda: listens(port) or started.poll() is not None, "the port")
        assert started.poll() is None, log.read_text()[-2000:]
        yield started.pid
    finally:
        started.terminate()
        started.wait(30)


def listens(port):
    with contextlib.suppress(requests.RequestException):
        requests.get(f"http://{ADDRESS}:{port}/", timeout=5)
        return True
    return False


@contextlib.contextmanager
def embedded(folder, ports, *flags):
    """Run the embedded server until the block ends; enter it when all its workers serve."""
    log = folder / f"log-{ports[0]}"
    command = [
        *(sys.executable, "-m", "deployworkbook", "serve", f"--model_base_path={folder / 'base'}"),
        *(f"--rest_api_port={ports[0]}", f"--port={ports[1]}"),
        *(f"--tensorflow_intra_op_parallelism={THREADS}", "--stop_with_parent", *flags),
    ]
    with process(command, ports[0], log) as pid:
        wait_until(lambda: "Ready." in log.read_text(), "all workers")
        yield pid


def body_of(form, image):
    if form == "v2":
        data = image.astype(float).ravel().tolist()
        tensor = {"name": "x", "shape": image.shape, "datatype": "FP32", "data": data}
        return json.dumps({"inputs": [tensor]}).encode()
    return json.dumps({"instances": image.tolist()}).encode()


def rest_rate(port, path, body, connections, folder):
    """Requests per second over REST, and the median latency in µs."""
    wrk = shutil.which("wrk")
    if wrk is None:
        target = LoadTarget(f"http://{ADDRESS}:{port}", (body,), path)
        result = loops.closed_loop(target, connections, seconds=SECONDS)
        assert not result.errors
        return len(result.latencies_ms) / SECONDS, float(np.median(result.latencies_ms)) * 1e3
    script = folder / "wrk.lua"
    script.write_text(
        f"wrk.method = 'POST'\nwrk.body = '{body.decode()}'\n"
        "wrk.headers['Content-Type'] = 'application/json'\n"
    )
    said = subprocess.run(
        [wrk, "-t1", f"-c{connections}", f"-d{SECONDS:g}s", "--latency", f"-s{script}",
         f"http://{ADDRESS}:{port}{path}"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "Non-2xx" not in said, said
    value, unit = re.search(r"50%\s+([0-9.]+)(us|ms|s)", said).groups()
    median_us = float(value) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]
    return float(re.search(r"Requests/sec:\s+([0-9.]+)", said)[1]), median_us


def infer_request(image):
    """A request of the Open Inference Protocol, its numbers as raw bytes, field by field."""

    def field(number, content):
        return bytes([number << 3 | 2]) + varint(len(content)) + content

    def varint(value):
        high, low = value >> 7, value & 127
        return bytes([low | 128]) + varint(high) if high else bytes([low])

    shape = field(3, b"".join(map(varint, image.shape)))
    tensor = field(1, b"x") + field(2, b"FP32") + shape
    raw = field(7, image.astype("<f4").tobytes())
    return field(1, b"default") + field(5, tensor) + raw


def grpc_rate(port, body, connections, path=""):
    target = LoadTarget(f"{ADDRESS}:{port}", (body,), path)
    result = loops.closed_loop(target, connections, seconds=SECONDS)
    assert not result.errors
    return len(result.latencies_ms) / SECONDS, float(np.median(result.latencies_ms)) * 1e3


def ratio_text(ours, theirs):
    """The ratio of two rates measured in turns, with its 95 % interval."""
    logs = np.log(np.array(ours) / theirs)
    half = stats.t.ppf(0.975, len(logs) - 1) * stats.sem(logs)
    low, middle, high = np.exp([logs.mean() - half, logs.mean(), logs.mean() + half])
    return f"{middle:.2f} times ({low:.2f} to {high:.2f})"


def compare(title, ask_ours, ask_theirs):
    """Measure both in turns, and print a line per number of connections."""
    for connections in CONNECTIONS:
        rounds = [(ask_ours(connections), ask_theirs(connections)) for _ in range(ROUNDS)]
        ours, theirs = np.array(rounds).transpose(1, 2, 0)
        print(
            f"{title}, {connections:2} connections: {np.median(ours[0]):6.0f} and "
            f"{np.median(theirs[0]):6.0f} requests/s, p50 {np.median(ours[1]):5.0f} and "
            f"{np.median(theirs[1]):5.0f} µs; {ratio_text(ours[0], theirs[0])}"
        )


@pytest.mark.parametrize("peer", peers.PEERS, ids=lambda peer: peer.name.split()[0])
def test_beside(peer, network):
    if not peer.is_asked_for:
        pytest.skip(f"makes an environment for {peer.name} on request: {peers.COMMAND}")
    peer.install()
    kind, folder, image = network
    ports, theirs = (free_port(), free_port()), (free_port(), free_port())
    program = [peer.python, "-c", peer.program, theirs[0], folder / "net.onnx", THREADS, theirs[1]]
    generator = "wrk" if shutil.which("wrk") else "the package's own generator"
    print(f"\n{OURS} and {peer.name}, {kind} network, one process each; load by {generator}")
    with (
        embedded(folder, ports),
        process(program, theirs[0], folder / "theirs"),
    ):
        bodies = body_of("rows", image), body_of(peer.form, image)
        compare(
            "REST",
            lambda n: rest_rate(ports[0], peers.Peer.path, bodies[0], n, folder),
            lambda n: rest_rate(theirs[0], peer.path, bodies[1], n, folder),
        )
        if peer.grpc:
            request = predict_request("default", image).SerializeToString()
            compare(
                "gRPC",
                lambda n: grpc_rate(ports[1], request, n),
                lambda n: grpc_rate(theirs[1], infer_request(image), n, peer.grpc),
            )


def test_batching_and_workers(network):
    kind, folder, image = network
    body = body_of("rows", image)
    request = predict_request("default", image).SerializeToString()
    print(f"\n{kind} network, with batching against without, and two workers against one")
    for name, flags in (("batching", ["--enable_batching"]), ("workers", ["--num_workers=2"])):
        ports, plain = (free_port(), free_port()), (free_port(), free_port())
        with (
            embedded(folder, ports, *flags),
            embedded(folder, plain),
        ):
            compare(
                f"REST, {name}",
                lambda n, ports=ports: rest_rate(ports[0], peers.Peer.path, body, n, folder),
                lambda n, plain=plain: rest_rate(plain[0], peers.Peer.path, body, n, folder),
            )
            compare(
                f"gRPC, {name}",
                lambda n, ports=ports: grpc_rate(ports[1], request, n),
                lambda n, plain=plain: grpc_rate(plain[1], request, n),
            )


def test_where_the_time_goes(network):
    """Sample the server's stacks under load; print the functions, and save a flame picture."""
    kind, folder, image = network
    if not shutil.which("py-spy"):
        pytest.skip("needs py-spy: pip install py-spy")
    ports = free_port(), free_port()
    with embedded(folder, ports) as pid:
        body = body_of("rows", image)
        rest_rate(ports[0], peers.Peer.path, body, 16, folder)
        picture = Path(os.environ.get(peers.VARIABLE, str(folder))).expanduser() / f"{kind}.svg"
        stacks = folder / "stacks"
        common = ["py-spy", "record", "--gil", "-p", str(pid), "-d", "4", "-r", "500"]
        for path, form in ((picture, "flamegraph"), (stacks, "raw")):
            sampler = subprocess.Popen([*common, "-f", form, "-o", str(path)])
            while sampler.poll() is None:
                rest_rate(ports[0], peers.Peer.path, body, 16, folder)
    inside, total = {}, 0
    for line in stacks.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        total += int(count)
        for frame in {re.sub(r":\d+\)$", ")", each) for each in stack.split(";")}:
            inside[frame] = inside.get(frame, 0) + int(count)
    print(f"\n{kind} network, REST, 16 connections: share of the samples with the GIL")
    for frame, count in sorted(inside.items(), key=lambda item: -item[1])[:25]:
        print(f"{count / total:6.1%}  {frame}")
    print(f"Flame picture: {picture}")
