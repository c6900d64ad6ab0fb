"""The budgets, as ratios between two things measured in turn in one run.

The best of several rounds counts: what else the machine does only makes a round worse, and a
fault shows in all of them. The typical round is printed, and what was seen stands beside it.
"""

import asyncio
import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass

import grpc
import numpy as np
import pytest
import requests

from deployworkbook.serving.embedded.protos import predict_pb2, tf
from deployworkbook.training.keras2 import keras
from tests.serving import models
from tests.serving.conftest import ADDRESS, free_port, predict_request, write
from tests.serving.embedded.processes import Process
from tests.waiting import wait_until

pytestmark = pytest.mark.timing

PATH = "/tensorflow.serving.PredictionService/Predict"
ECHO = """
import sys
from concurrent.futures import ThreadPoolExecutor
import grpc
server = grpc.server(ThreadPoolExecutor(10))
handler = grpc.unary_unary_rpc_method_handler(lambda body, context: body)
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(
    "tensorflow.serving.PredictionService", {"Predict": handler}),))
server.add_insecure_port("127.0.0.1:" + sys.argv[1])
server.start()
server.wait_for_termination()
"""

# What tutorials show: Flask, Keras's own predict, an image a request.
FLASK = """
import sys
import flask
import numpy as np
from deployworkbook.training.keras2 import keras
model = keras.models.load_model(sys.argv[2])
app = flask.Flask("app")

@app.post("/v1/models/digits:predict")
def predict():
    images = np.array(flask.request.json["instances"], np.float32)
    return {"predictions": model.predict(images, verbose=0).tolist()}

model.predict(np.zeros((1, 28, 28), np.float32), verbose=0)
app.run("127.0.0.1", int(sys.argv[1]), threaded=True)
"""


@dataclass(frozen=True)
class Running:
    """Servers in processes of their own."""

    plain: Process
    """It serves ``digits`` and ``steps``, each request by itself."""
    batching: Process
    """It serves ``digits`` in batches."""
    batching_steps: Process
    """It serves ``steps`` in batches."""
    flask_port: int
    echo: grpc.Channel
    model: keras.Model
    """The network that is served as ``digits``."""


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """All servers, which start at once and idle while others are measured."""
    folder = tmp_path_factory.mktemp("speed")
    model = digits_model()
    model.export(folder / "digits" / "1")
    model.save(folder / "model.keras")
    models.slow(folder / "steps" / "1", seconds=0.1)
    entries = [
        f'config {{ name: "{name}" base_path: "{folder / name}" model_platform: "tensorflow" }}'
        for name in ("digits", "steps")
    ]
    both = write(folder / "both", f"model_config_list {{ {' '.join(entries)} }}")
    in_batches = "max_batch_size { value: 32 } num_batch_threads { value: 1 }"
    at_once = write(folder / "at once", in_batches)
    patient = write(folder / "patient", f"{in_batches} batch_timeout_micros {{ value: 2000 }}")
    flask_port, echo_port = free_port(), free_port()
    with ExitStack() as stack, (folder / "flask.log").open("w") as log:

        def serve(name, *flags):
            process = Process(folder / f"{name}.log", *flags)
            stack.callback(end, process.popen)
            return process

        def serve_in_batches(name, parameters):
            return serve(
                f"{name} in batches",
                f"--model_base_path={folder / name}",
                f"--model_name={name}",
                "--enable_batching",
                f"--batching_parameters_file={parameters}",
            )

        def run(program, *arguments):
            command = [sys.executable, "-c", program, *map(str, arguments)]
            stack.callback(end, subprocess.Popen(command, stdout=log, stderr=log))

        servers = (
            serve("plain", f"--model_config_file={both}"),
            serve_in_batches("digits", at_once),
            serve_in_batches("steps", patient),
        )
        run(FLASK, flask_port, folder / "model.keras")
        run(ECHO, echo_port)
        for each in servers:
            each.says("Ready.")
        wait_until(lambda: listens(flask_port))
        channel = grpc.insecure_channel(f"{ADDRESS}:{echo_port}")
        grpc.channel_ready_future(channel).result(timeout=30)
        yield Running(*servers, flask_port, channel, model)


def end(process):
    process.kill()
    process.wait()


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex((ADDRESS, port)) == 0


def p50_s(call, body, count=200):
    taken = []
    for _ in range(count):
        started = time.perf_counter()
        call(body, timeout=30)
        taken.append(time.perf_counter() - started)
    return np.median(taken)


def digits_model():
    """The workbook's network, untrained: its weights' values cost nothing."""
    return keras.Sequential(
        [
            # Named: the input's name follows, and Keras counts the layers of a process.
            keras.layers.Flatten(input_shape=(28, 28), name="flatten"),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def test_one_image_takes_little_more_than_a_bare_echo(running):
    request = predict_pb2.PredictRequest(model_spec={"name": "digits"})
    image = np.random.default_rng(0).random((1, 28, 28), np.float32)
    request.inputs["flatten_input"].CopyFrom(tf.make_tensor_proto(image))
    body = request.SerializeToString()
    answer = running.plain.predict(body)
    expected = running.model(image)[0]
    np.testing.assert_allclose(answer.outputs["output_0"].float_val, expected, atol=1e-6)

    ours, bare = running.plain.channel.unary_unary(PATH), running.echo.unary_unary(PATH)
    for call in (ours, bare):
        p50_s(call, body)  # warm
    rounds = [(p50_s(ours, body), p50_s(bare, body)) for _ in range(5)]
    ratios = [a / b for a, b in rounds]
    print(
        f"p50 {min(a for a, _ in rounds) * 1e6:.0f} µs, {np.median(ratios):.2f} times a bare echo"
    )
    # Seen: 1.6 to 2.7.
    assert min(ratios) <= 3.5


def test_rest_waits_for_no_acknowledgement(server):
    """Two packets an answer and Nagle's algorithm would make it 40 ms on a kept connection."""
    address = f"{server.address}/v1/models/half:predict"
    with requests.Session() as session:
        taken = p50_s(lambda body, timeout: session.post(address, body, timeout=timeout),
                      b'{"instances": [2.0]}', count=30)  # fmt: skip
    # Half of the wait, which no speed of the machine changes.
    assert taken < 0.02


def throughput_per_s(port, body, *, clients, seconds):
    """Closed loop: each client asks again as soon as it has its answer."""

    async def run():
        async with grpc.aio.insecure_channel(f"{ADDRESS}:{port}") as channel:
            call = channel.unary_unary(PATH)
            await call(body)
            started = time.perf_counter()
            count, end = 0, started + seconds

            async def client():
                nonlocal count
                while time.perf_counter() < end:
                    await call(body, timeout=30)
                    count += 1

            await asyncio.gather(*(client() for _ in range(clients)))
            # The last answers come after the end.
            return count / (time.perf_counter() - started)

    return asyncio.run(run())


def test_batching_brings_several_times_the_throughput(running):
    """Where a run takes the same steps for one example as for 32.

    A matrix product shares only the reading of its weights, so its gain would be the machine's.
    """
    body = predict_request("steps", np.ones((1, 1))).SerializeToString()
    pair = (running.batching_steps, running.plain)
    rounds = [
        [throughput_per_s(p.port, body, clients=32, seconds=0.5) for p in pair] for _ in range(3)
    ]
    ratios = [a / b for a, b in rounds]
    print(f"{rounds[0][0]:.0f} against {rounds[0][1]:.0f} a second, {np.median(ratios):.1f} times")
    # Seen: 7.4, and 3.5 beside three busy processes.
    assert max(ratios) >= 2


def rest_throughput_per_s(port, bodies, *, clients, seconds):
    """Closed loop over HTTP: each client keeps a connection, and asks for each image in turn."""
    started = time.perf_counter()
    counts, end = [0] * clients, started + seconds

    def client(number):
        connection = http.client.HTTPConnection(ADDRESS, port, timeout=30)
        while time.perf_counter() < end:
            body = bodies[counts[number] % len(bodies)]
            headers = {"Content-Type": "application/json"}
            connection.request("POST", "/v1/models/digits:predict", body, headers)
            answer = connection.getresponse()
            text = answer.read()
            assert answer.status == 200, text
            counts[number] += 1
        connection.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # The last answers come after the end.
    return sum(counts) / (time.perf_counter() - started)


def test_the_server_answers_many_times_as_often_as_flask_with_keras_predict(running):
    """The same weights, the same images as JSON, the same clients, in turns."""
    images = np.random.default_rng(0).integers(0, 256, (16, 1, 28, 28)) / 255
    bodies = [json.dumps({"instances": image.round(4).tolist()}).encode() for image in images]
    ports = (running.batching.rest_port, running.flask_port)
    answers = [
        requests.post(f"http://{ADDRESS}:{port}/v1/models/digits:predict", bodies[0], timeout=30,
                      headers={"Content-Type": "application/json"}).json()["predictions"]
        for port in ports
    ]  # fmt: skip
    np.testing.assert_allclose(*answers, atol=1e-5)
    rounds = [
        [rest_throughput_per_s(port, bodies, clients=8, seconds=0.5) for port in ports]
        for _ in range(3)
    ]
    ratios = [a / b for a, b in rounds]
    print(f"{rounds[0][0]:.0f} against {rounds[0][1]:.0f} a second, {np.median(ratios):.0f} times")
    # Seen: 42 to 130.
    assert max(ratios) >= 20
