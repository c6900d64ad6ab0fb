"""Both clients against the server: the same answers, and errors that say what to do."""

import contextlib
import http.server
import itertools
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import ml_dtypes
import numpy as np
import pytest

from deployworkbook.serving.api.codes import Code
from deployworkbook.serving.api.types import DEFAULT_SIGNATURE, Prediction, TensorSpec
from deployworkbook.serving.client.connecting import connect
from deployworkbook.serving.client.errors import RequestError
from deployworkbook.serving.client.relay import CountingRelay
from deployworkbook.serving.load.engine import LoadPlan, run
from deployworkbook.serving.load.target import load_target
from tests.serving import models
from tests.serving.conftest import ADDRESS, AWKWARD_NAME, free_port
from tests.waiting import WATCHDOG_S, wait_until

# Three requests, one after the other.
FEW = LoadPlan(arrivals_s=None, lines=1, seconds=60, max_requests=3)


@pytest.fixture(params=["grpc", "rest"])
def protocol(request):
    return request.param


def address_of(server, protocol):
    return f"{ADDRESS}:{server.options.port}" if protocol == "grpc" else server.address


@pytest.fixture
def client(protocol, server):
    with connect(address_of(server, protocol)) as client:
        yield client


def refused(call, *arguments, **keywords):
    with pytest.raises(RequestError) as error:
        call(*arguments, **keywords)
    return error.value


def test_a_prediction(client, protocol):
    found = client.predict(np.array([2.0, 4.0], np.float32), model="half")
    assert found.output.tolist() == [3.0, 4.0]
    assert found.output.dtype == np.float32
    assert found.model == "half"
    # REST does not say which version answered.
    assert found.version == (123 if protocol == "grpc" else None)
    assert client.predict({"x": [2.0]}, model="half", version=123).version == 123
    assert client.predict({"x": [2.0]}, model="half", label="stable").output.tolist() == [3.0]


def test_several_inputs_and_outputs_by_name(client):
    pair = client.predict(
        {"a": np.float32([1, 2]), "b": np.int64([3, 4])}, model="types", signature="pair"
    )
    assert {name: array.tolist() for name, array in pair.outputs.items()} == {
        "sum": [4.0, 6.0],
        "b": [3, 4],
    }
    assert pair.outputs["b"].dtype == np.int64
    with pytest.raises(ValueError, match=r"Received: b, sum\. Take one of \.outputs by its name"):
        _ = pair.output


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("float32", [1.5, -0.1, 3e38]),
        ("float64", [1.5, -0.1, 1e300]),
        ("int8", [-128, 127]),
        ("int16", [-32768, 32767]),
        ("int32", [-(2**31), 2**31 - 1]),
        ("int64", [-(2**63), 2**63 - 1]),
        ("uint8", [0, 255]),
        ("uint32", [0, 2**32 - 1]),
        ("uint64", [0, 2**64 - 1]),
        ("bool", [True, False]),
    ],
)
def test_every_type_comes_back_as_it_went(client, name, values):
    array = np.array(values, name)
    found = client.predict(array, model="types", signature=name).output
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype


@pytest.mark.parametrize("which", [{}, {"version": 123}, {"label": AWKWARD_NAME}])
def test_a_model_and_a_label_of_any_name_are_found(client, which):
    assert client.predict([2.0], model=AWKWARD_NAME, **which).output.tolist() == [3.0]
    assert client.status(AWKWARD_NAME)[0].is_available
    assert client.metadata(AWKWARD_NAME).model == AWKWARD_NAME


def arrays_of_all_layouts(array):
    """The same values in memory in all ways that NumPy has."""
    backing = np.repeat(np.repeat(array, 2, axis=0), 3, axis=1)
    return {
        "strided": backing[::2, ::3],
        "reversed": array[::-1, ::-1].copy()[::-1, ::-1],
        "Fortran": np.asfortranarray(array),
        "transposed": array.T.copy().T,
        "read-only": np.broadcast_to(array, array.shape),
        "of the other byte order": array.astype(array.dtype.newbyteorder()),
    }


@pytest.mark.parametrize("dtype", ["float32", "int64", "string"])
def test_arrays_of_any_layout_are_sent_as_what_they_hold(client, dtype):
    array = np.arange(6).reshape(2, 3).astype("float32" if dtype == "string" else dtype)
    if dtype == "string":
        array = np.vectorize(lambda value: b"%d\0" % value, otypes=[object])(array)
    for layout, given in arrays_of_all_layouts(array).items():
        found = client.predict(given, model="types", signature=dtype).output
        assert found.tolist() == array.tolist(), layout
    row = np.broadcast_to(array[:1], (4, 3))
    found = client.predict(row, model="types", signature=dtype).output
    assert found.tolist() == [array[0].tolist()] * 4


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("int64", [-(2**63)]),
        ("int64", [-(2**63), 2**63 - 1]),
        ("int64", [-(2**31) - 1]),
        ("int64", [[2**31], [0]]),
        ("int32", [-(2**31), 2**31 - 1]),
        ("uint64", [2**64 - 1, 2**63]),
        ("float64", [1e300, -1e300]),
    ],
)
def test_pythons_numbers_arrive_exactly(client, name, values):
    found = client.predict(values, model="types", signature=name).output
    assert found.tolist() == values
    assert found.dtype == name


def test_json_carries_pythons_floats_in_full(server):
    with connect(server.address) as client:
        for name, values in (("float64", [0.1]), ("float32", [0.1]), ("int8", [-128])):
            found = client.predict(values, model="types", signature=name).output
            np.testing.assert_array_equal(found, np.array(values, name))


def test_whole_numbers_that_fit_no_type_together_are_refused(client):
    for values in ([2**63, -1], [2**64], [-(2**63) - 1]):
        with pytest.raises((TypeError, ValueError), match=r"2\*\*63 … 2\*\*63 - 1"):
            client.predict({"x": values}, model="types", signature="int64")


def test_bfloat16_is_carried_over_grpc(server):
    array = np.array([1.5, -0.0, 3e38, np.inf], ml_dtypes.bfloat16)
    with connect(f"{ADDRESS}:{server.options.port}") as client:
        found = client.predict(array, model="types", signature="bfloat16").output
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found.view(np.uint16), array.view(np.uint16))


def test_bfloat16_over_rest_is_answered_in_words(server):
    with connect(server.address) as client:
        error = refused(
            client.predict, np.ones(2, ml_dtypes.bfloat16), model="types", signature="bfloat16"
        )
    assert error.code is Code.UNIMPLEMENTED
    assert "Try gRPC" in error.remedy


def test_complex_numbers_over_rest_are_refused_in_words(server):
    with (
        connect(server.address) as client,
        pytest.raises(TypeError, match=r"x: expected real numbers.* JSON .* over gRPC"),
    ):
        client.predict({"x": np.ones(2, np.complex64)}, model="types")


def test_half_a_surrogate_pair_is_refused_in_words(client):
    with pytest.raises(
        ValueError, match=r"x: expected text that can be encoded as UTF-8.* Send bytes"
    ):
        client.predict({"x": ["a", "\ud800"]}, model="types", signature="string")
    for which in ({"model": "\ud800"}, {"model": "m", "label": "\ud800"}):
        with pytest.raises(ValueError, match="expected text that can be encoded as UTF-8"):
            client.predict([1.0], **which)
    for name in ("\ud800", 3):
        with pytest.raises((TypeError, ValueError), match=r"the name of an input: expected"):
            client.predict({name: [1.0]}, model="half")


def test_this_machine_is_never_asked_through_a_proxy(server, protocol, proxy):
    address = address_of(server, protocol)
    target = load_target(address, {"x": [2.0]}, model="half")
    with proxy.in_the_environment(), CountingRelay(address) as relay:
        for place in (address, relay.address):
            with connect(place) as client:
                assert client.predict({"x": [2.0]}, model="half").output.tolist() == [3.0]
        assert run(FEW, target.destination, started=lambda: None).codes.tolist() == [Code.OK] * 3
    assert proxy.connections == 0


@pytest.fixture(scope="module")
def ipv6_server(start, half):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    return start(model_base_path=half, host="::1")


def test_ipv6_addresses(ipv6_server, protocol):
    options = ipv6_server.options
    address = {
        "grpc": f"[::1]:{options.port}",
        "rest": f"http://[::1]:{options.rest_api_port}",
    }[protocol]
    with CountingRelay(address) as relay:
        for place in (address, relay.address):
            with connect(place) as client:
                assert client.predict({"x": [2.0]}, model="default").output.tolist() == [3.0]
    target = load_target(address, {"x": [2.0]}, model="default")
    assert run(FEW, target.destination, started=lambda: None).codes.tolist() == [Code.OK] * 3


def test_each_call_is_sent_once_over_one_connection(server, protocol):
    with (
        CountingRelay(address_of(server, protocol)) as relay,
        connect(relay.address) as client,
    ):
        client.predict({"x": np.zeros(1000, np.float32)}, model="half")
        relay.reset()
        for _ in range(10):
            client.predict({"x": np.zeros(1000, np.float32)}, model="half")
        assert relay.connections == 1
        # A value is four bytes over gRPC, and "0.0, " over REST; what is around it is below 1 kB.
        least = 10 * 1000 * (4 if protocol == "grpc" else 5)
        assert least <= relay.sent_bytes + 20 < least + 10 * 1000


def test_texts_come_back_as_bytes(client):
    for signature in ("string", "text"):
        found = client.predict([["a", "é"]], model="types", signature=signature).output
        assert found.tolist() == [[b"a", "é".encode()]]
    assert client.predict([b"\xff\x00"], model="types", signature="string").output.tolist() == [
        b"\xff\x00"
    ]


def test_a_scalar(client):
    assert client.predict([1.0, 2.0], model="types", signature="scalar").output == 3.0


def test_metadata_and_status(client):
    metadata = client.metadata("half")
    assert (metadata.model, metadata.version) == ("half", 123)
    default = metadata.signatures[DEFAULT_SIGNATURE]
    assert default.inputs == {"x": TensorSpec("float32", (None, 1))}
    assert default.method == "tensorflow/serving/predict"
    assert str(client.metadata("types").signatures["string"].inputs["x"]) == "string of any shape"
    (status,) = client.status("half")
    assert (status.version, status.state, status.error) == (123, "AVAILABLE", "")
    assert status.is_available


TAKES_X = "Signature 'serving_default' takes 'x': float32 [any, 1]."


@pytest.mark.parametrize(
    ("inputs", "which", "code", "words"),
    [
        (
            [2.0],
            {"model": "no"},
            "NOT_FOUND",
            "Servable not found for request: Latest(no). A model's name is the server's "
            "--model_name (MODEL_NAME in the container, name in a --model_config_file); the "
            "API does not list them.",
        ),
        (
            [2.0],
            {"model": "half", "version": 5},
            "NOT_FOUND",
            "Specific(half, 5). Of 'half', the server has version 123. Leave version out for the "
            "newest.",
        ),
        (
            [2.0],
            {"model": "half", "label": "beta"},
            "INVALID_ARGUMENT",
            "Unrecognized servable version label: beta. Of 'half', the server has version 123. "
            "Set labels with version_labels in the server's --model_config_file, or with "
            "reload_config.",
        ),
        (
            [2.0],
            {"model": "half", "signature": "predict_signature"},
            "FAILED_PRECONDITION",
            'Serving signature key "predict_signature" not found. Version 123 has the signatures '
            "'classify_labels', 'classify_x_to_y', 'regress_x_to_y', 'serving_default', "
            "'three_outputs', 'two_inputs', 'two_outputs'.",
        ),
        (
            [2.0],
            {"model": "half", "signature": "two_inputs"},
            "INVALID_ARGUMENT",
            "one array was given, and the signature takes 2 inputs. Signature 'two_inputs' takes "
            "'x': float32 [any, 1]; 'y': float32 [any, 1]. Pass them by name: {name: array}.",
        ),
        ({"z": [2.0]}, {"model": "half"}, "INVALID_ARGUMENT", f"{TAKES_X} Sent: 'z': float"),
        ({}, {"model": "half"}, "INVALID_ARGUMENT", f"{TAKES_X} Pass them by name: {{name:"),
        ({"x": ["a"]}, {"model": "half"}, "INVALID_ARGUMENT", f"{TAKES_X} Sent: 'x': string [1]."),
    ],
)  # fmt: skip
def test_errors_say_what_the_server_has(client, inputs, which, code, words):
    error = refused(client.predict, inputs, **which)
    assert error.code.name == code
    assert words in str(error)


def test_grpc_sends_types_as_they_are_and_says_how_to_cast(server):
    with connect(f"{ADDRESS}:{server.options.port}") as client:
        error = refused(client.predict, {"x": np.zeros(3)}, model="half")
        assert str(error) == (
            "INVALID_ARGUMENT: Expects arg[0] to be float but double is provided. "
            f"{TAKES_X} Sent: 'x': float64 [3]. Send x.astype('float32')."
        )


def test_a_wrong_shape_shows_both(start, tmp_path, protocol):
    models.wide(tmp_path / "1", size=16)
    server = start(model_base_path=tmp_path)
    with connect(address_of(server, protocol)) as client:
        error = refused(client.predict, np.ones((2, 17), np.float32), model="default")
        assert "Matrix size-incompatible" in error.said
        assert error.remedy == (
            "Signature 'serving_default' takes 'x': float32 [any, 16]. Sent: 'x': float32 [2, 17]."
        )
        # Who forgets the name of the model is told.
        assert "This server has a model named 'default'" in str(
            refused(client.predict, [1.0], model="digits")
        )


@pytest.mark.parametrize(
    ("keywords", "error", "words"),
    [
        ({"model": ""}, ValueError, "model: expected a name. Received: none. .*--model_name"),
        ({"model": 3}, TypeError, r"model: expected a text. Received: 3 \(int\)"),
        ({"model": "m", "version": "1"}, TypeError, "version: expected an integer"),
        ({"model": "m", "version": 1, "label": "a"}, ValueError, "one of them, or neither"),
        ({"model": "m", "deadline_s": 0}, ValueError, "deadline_s: expected a finite number"),
    ],
)
def test_arguments_are_checked_before_anything_is_sent(keywords, error, words):
    with connect(f"{ADDRESS}:1") as client, pytest.raises(error, match=words):
        client.predict([1.0], **keywords)


def test_a_server_that_is_not_there(protocol):
    place = f"{ADDRESS}:{free_port()}"
    address = place if protocol == "grpc" else f"http://{place}"
    with connect(address) as client:
        error = refused(client.predict, {"x": [1.0]}, model="half")
    assert error.code is Code.UNAVAILABLE
    assert f"no answer from {address}" in error.said
    assert "deployworkbook serve --port=8500" in error.remedy
    assert "gRPC and REST have one each" in error.remedy


class Scripted:
    """A server that answers with the codes it is given, then with y = 7; counts requests."""

    def __init__(self, protocol, port, *codes, stall_s=0.0):
        self.codes, self.requests, self.stall_s = list(codes), [], stall_s
        self.released = threading.Event()
        self._close = (self._grpc if protocol == "grpc" else self._rest)(port)
        self.address = f"{'' if protocol == 'grpc' else 'http://'}{ADDRESS}:{port}"

    def close(self):
        self.released.set()
        self._close()

    def next_code(self):
        self.requests.append(time.monotonic())
        if self.stall_s:
            self.released.wait(self.stall_s)
        return self.codes.pop(0) if self.codes else Code.OK

    def _grpc(self, port):
        from deployworkbook.serving.api.arrays import to_proto
        from deployworkbook.serving.api.messages import PredictResponse

        answer = PredictResponse()
        answer.outputs["y"].CopyFrom(to_proto(np.float32([7.0])))

        def predict(request, context):
            code = self.next_code()
            if code != Code.OK:
                status = next(s for s in grpc.StatusCode if s.value[0] == code)
                context.abort(status, "queue is full")
            return answer.SerializeToString()

        server = grpc.server(ThreadPoolExecutor(4))
        handler = grpc.unary_unary_rpc_method_handler(predict)
        service = "tensorflow.serving.PredictionService"
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, {"Predict": handler}),)
        )
        server.add_insecure_port(f"{ADDRESS}:{port}")
        server.start()
        return lambda: server.stop(0).wait()

    def _rest(self, port):
        from deployworkbook.serving.api.codes import HTTP_STATUS

        scripted = self
        tensor = {"dtype": "DT_FLOAT", "tensor_shape": {"dim": [], "unknown_rank": True}}
        signature = {"inputs": {"x": tensor}, "outputs": {"y": tensor}, "method_name": ""}
        metadata = {
            "model_spec": {"version": "1"},
            "metadata": {"signature_def": {"signature_def": {DEFAULT_SIGNATURE: signature}}},
        }

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                status = {"version": "1", "state": "AVAILABLE", "status": {"error_message": ""}}
                is_metadata = self.path.endswith("/metadata")
                self._answer(200, metadata if is_metadata else {"model_version_status": [status]})

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                code = scripted.next_code()
                content = {"outputs": [7.0]} if code == Code.OK else {"error": "queue is full"}
                self._answer(HTTP_STATUS.get(code, 500), content)

            def _answer(self, status, content):
                body = json.dumps(content).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    pass  # the client waits no more

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer((ADDRESS, port), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()

        def close():
            server.shutdown()
            thread.join()
            server.server_close()

        return close


@pytest.fixture
def scripted(protocol):
    made = []

    def start(*codes, port=None, **given):
        made.append(Scripted(protocol, port or free_port(), *codes, **given))
        return made[-1]

    yield start
    for server in made:
        server.close()


def ask(address, **keywords):
    with connect(address, **keywords) as client:
        return client.predict({"x": [1.0]}, model="m")


def test_a_busy_server_is_asked_again_after_growing_waits(scripted):
    server = scripted(Code.UNAVAILABLE, Code.UNAVAILABLE)
    assert ask(server.address).output.tolist() == [7.0]
    assert len(server.requests) == 3


def test_five_times_at_the_most(scripted):
    server = scripted(*[Code.UNAVAILABLE] * 9)
    error = refused(ask, server.address)
    assert (error.code, error.said, len(server.requests)) == (Code.UNAVAILABLE, "queue is full", 5)
    assert "overloaded or not ready" in error.remedy


@pytest.mark.parametrize(
    "code",
    [
        Code.INVALID_ARGUMENT, Code.NOT_FOUND, Code.RESOURCE_EXHAUSTED, Code.INTERNAL,
        Code.DEADLINE_EXCEEDED, Code.ABORTED, Code.UNIMPLEMENTED, Code.PERMISSION_DENIED,
    ],
)  # fmt: skip
def test_no_other_error_is_asked_again(scripted, code):
    server = scripted(code)
    error = refused(ask, server.address)
    assert len(server.requests) == 1
    assert error.said == "queue is full"


def test_the_deadline_ends_the_waiting_and_nothing_is_sent_again(scripted, protocol):
    server = scripted(stall_s=WATCHDOG_S)  # it answers when the test is over
    error = refused(ask, server.address, deadline_s=0.3)
    assert error.code is Code.DEADLINE_EXCEEDED
    assert "It was not sent again, since the first may still be running" in error.remedy
    assert len(server.requests) == 1


def test_the_deadline_bounds_the_tries(scripted):
    server = scripted(*[Code.UNAVAILABLE] * 9)
    error = refused(ask, server.address, deadline_s=0.05)
    assert error.code in (Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED)
    assert len(server.requests) < 5


def test_a_server_that_starts_a_little_later_is_found(scripted, protocol):
    port = free_port()
    later = threading.Timer(0.15, lambda: scripted(port=port))
    later.start()
    place = f"{ADDRESS}:{port}"
    found = ask(place if protocol == "grpc" else f"http://{place}")
    later.join()
    assert found.output.tolist() == [7.0]


def test_the_wrong_one_of_the_two_ports(server):
    with connect(server.address.removeprefix("http://"), deadline_s=10) as client:
        error = refused(client.status, "half")
        assert error.code is Code.UNAVAILABLE
        assert "gRPC and REST have one each" in error.remedy
    with connect(f"http://{ADDRESS}:{server.options.port}", deadline_s=10) as client:
        error = refused(client.status, "half")
        assert error.code is Code.UNAVAILABLE
        assert "gRPC and REST have one each" in error.remedy


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html>", "HTTP 200 without JSON: b'<html>'"),
        (b'{"model_version_status": [{}]}', "not one of TensorFlow Serving's API: {'model_version"),
        (b"[]", "the answer is not one of TensorFlow Serving's API: []"),
    ],
)
def test_an_answer_of_another_form(content, words):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    with http.server.HTTPServer((ADDRESS, 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request, daemon=True)
        thread.start()
        with connect(f"http://{ADDRESS}:{server.server_port}") as client:
            error = refused(client.status, "half")
        thread.join()
    assert error.code is Code.INTERNAL
    assert words in str(error)


def test_an_answer_that_drips_ends_with_the_deadline():
    with socket.create_server((ADDRESS, 0)) as listening:

        def drip():
            connection, _ = listening.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
                with contextlib.suppress(OSError):  # until the client hangs up
                    for _ in itertools.repeat(None):
                        connection.sendall(b" ")
                        time.sleep(0.05)

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        address = f"http://{ADDRESS}:{listening.getsockname()[1]}"
        with connect(address, deadline_s=0.4) as client:
            error = refused(client.status, "half")
        assert error.code is Code.DEADLINE_EXCEEDED
        thread.join()


def test_a_signature_that_changed_with_the_version_is_looked_up_again(start, tmp_path, protocol):
    base = tmp_path / "m"
    models.wide(base / "1", size=4)
    server = start(model_base_path=base, model_name="m")
    with connect(address_of(server, protocol)) as client:
        assert client.predict(np.ones((1, 4), np.float32), model="m").output.shape == (1, 4)
        models.types(tmp_path / "2")
        (tmp_path / "2").rename(base / "2")
        wait_until(lambda: client.metadata("m").version == 2, "version 2")
        assert refused(client.predict, np.ones((1, 4), np.float32), model="m")
        found = client.predict(np.float32([1.0]), model="m", signature="float32")
        assert found.output.tolist() == [1.0]


def test_predictions_compare_by_identity_and_show_no_arrays():
    prediction = Prediction({"y": np.zeros(3)}, "m", 1)
    assert repr(prediction) == "Prediction(model='m', version=1)"
    assert prediction != Prediction({"y": np.zeros(3)}, "m", 1)
