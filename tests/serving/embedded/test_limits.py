"""What is too much, too slow or nonsense is refused, and others are served meanwhile."""

import json
import socket
import string
import time

import grpc
import numpy as np
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from deployworkbook.serving.embedded import connections
from deployworkbook.serving.embedded.protos import predict_pb2
from tests.serving import models
from tests.serving.conftest import ADDRESS, predict_request
from tests.waiting import WATCHDOG_S

FEW = settings(max_examples=150, deadline=None, derandomize=True)


@pytest.fixture(scope="module")
def small(start, half, tmp_path_factory):
    """A server of narrow limits."""
    return start(
        model_base_path=half,
        model_name="half",
        max_request_bytes=100_000,
        max_connections=8,
        max_concurrent_requests=4,
        rest_api_timeout_in_ms=1000,
    )


def open_socket(server, data=b""):
    opened = socket.create_connection((ADDRESS, server.options.rest_api_port), timeout=20)
    opened.sendall(data)
    return opened


def answer_of(opened):
    """All that comes until the server closes."""
    parts = []
    with opened:
        while part := opened.recv(65536):
            parts.append(part)
    return b"".join(parts)


def well(server):
    """Whether both ports still answer."""
    assert server.predict(predict_request()).outputs["y"].float_val == [3.0]
    assert server.post("half:predict", {"instances": [2.0]}).json() == {"predictions": [3.0]}
    return True


def test_a_body_that_is_too_large(small):
    assert small.post("half:predict", data=b" " * 100_001).status_code == 413
    with pytest.raises(grpc.RpcError) as refused:
        small.predict(predict_request(x=np.zeros(100_001 // 4)))
    assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert well(small)


def test_headers_that_are_too_large(small):
    head = b"GET /v1/models/half HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 30_000
    assert answer_of(open_socket(small, head)).startswith((b"HTTP/1.1 400", b"HTTP/1.1 431"))
    call = small.channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    with pytest.raises(grpc.RpcError) as refused:
        call(b"", metadata=[("x", "a" * 100_000)], timeout=10)
    assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert well(small)


def test_a_connection_too_many_is_told_so(small):
    head = b"GET /v1/models/half HTTP/1.1\r\nHost: a\r\n"
    held = [open_socket(small, head) for _ in range(8)]
    try:
        one_more = open_socket(small, head + b"\r\n")
        said = answer_of(one_more)
        assert said.startswith(b"HTTP/1.1 503 ")
        head_said, _, body = said.partition(b"\r\n\r\n")
        assert f"Content-Length: {len(body)}".encode() in head_said
    finally:
        for each in held:
            each.close()
    time.sleep(0.2)
    assert well(small)


def test_more_grpc_connections_than_allowed_leave_the_server_well(small):
    """A connection too many is closed, and the first ones go on."""
    apart = [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.insecure_channel(f"{ADDRESS}:{small.options.port}", apart) for _ in range(12)]
    ready = 0
    for place, channel in enumerate(channels):
        try:
            # The first must get in, however long that takes; the last never will.
            patience_s = 0.3 if place else WATCHDOG_S
            grpc.channel_ready_future(channel).result(timeout=patience_s)
            ready += 1
        except grpc.FutureTimeoutError:
            continue
    assert 1 <= ready <= 8
    assert small.predict(predict_request()).outputs["y"].float_val == [3.0]
    for channel in channels:
        channel.close()


def test_a_client_slow_with_its_body(small):
    opened = open_socket(
        small, b"POST /v1/models/half:predict HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n{"
    )
    while b"408" not in opened.recv(4096):
        pass
    opened.close()
    assert well(small)


def test_a_client_slow_with_its_headers(start, half, monkeypatch):
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.3)
    server = start(model_base_path=half, model_name="half")
    opened = open_socket(server, b"GET /v1/mod")
    assert answer_of(opened) == b""
    assert well(server)


def test_calls_that_are_opened_and_never_sent(small):
    """As many as the server works on at once; one more is told so, and they cost nobody else."""
    call = small.channel.stream_unary("/tensorflow.serving.PredictionService/Predict")

    def never():
        time.sleep(1.0)
        yield b""

    held = [call.future(never(), timeout=5) for _ in range(3)]
    assert well(small)
    for each in held:
        with pytest.raises(grpc.RpcError):
            each.result()


def test_a_model_that_takes_too_long_is_504(start, tmp_path):
    models.slow(tmp_path / "1", seconds=1.5)
    server = start(model_base_path=tmp_path, rest_api_timeout_in_ms=200)
    answer = server.post("default:predict", {"instances": [1.0]})
    assert answer.status_code == 504
    with pytest.raises(grpc.RpcError) as late:
        server.channel.unary_unary("/tensorflow.serving.PredictionService/Predict")(
            predict_request("default").SerializeToString(), timeout=0.2
        )
    assert late.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\x00" * 100,
        b"GET\r\n\r\n",
        b"GET /v1/models/half HTTP/9.9\r\n\r\n",
        b"GET /v1/models/\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /v1/models/half:predict HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/models/half:predict HTTP/1.1\r\nHost: a\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /v1/models/half HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\n\r\n",
    ],
)
def test_what_is_no_http(server, nonsense):
    opened = open_socket(server, nonsense)
    opened.settimeout(5)
    said = opened.recv(4096)
    opened.close()
    assert said.startswith((b"HTTP/1.1 4", b"HTTP/1.1 200"))
    assert well(server)


def outcome(server, request):
    """The name of the code that a predict request, or any bytes, is answered with."""
    path = "/tensorflow.serving.PredictionService/Predict"
    body = request if isinstance(request, bytes) else request.SerializeToString()
    return server.channel.unary_unary(path).future(body, timeout=10).code().name


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("YQ=="),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["x", "b64", "a", "b"]) | st.text(), inner, max_size=3)
    ),
    max_leaves=12,
)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "signature_name": st.sampled_from(
            ["pair", "string", "text", "int8", "float32", "bool", "uint64", "float16"]
        )
        | JSON,
        "instances": JSON | st.lists(JSON, max_size=4),
        "inputs": JSON,
        "examples": JSON | st.lists(JSON, max_size=3),
        "context": JSON,
    },
)


@FEW
@given(document=DOCUMENTS, method=st.sampled_from(["predict", "classify", "regress"]))
def test_any_json_is_answered_and_never_by_a_500(server, document, method):
    answer = server.post(f"types:{method}", data=json.dumps(document))
    assert answer.status_code in (200, 400, 501), answer.text
    assert isinstance(answer.json(), dict)


@FEW
@given(body=st.binary(max_size=200))
def test_any_bytes_are_answered_over_rest(server, body):
    assert server.post("half:predict", data=body).status_code == 400


@FEW
@given(path=st.text(string.printable.replace("#", ""), max_size=40))
def test_any_path_is_answered(server, path):
    line = f"POST /v1/models/{requests.utils.quote(path, safe='/:%?.')} HTTP/1.1"
    opened = open_socket(server, f"{line}\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    assert answer_of(opened).startswith((b"HTTP/1.1 400", b"HTTP/1.1 404"))


@FEW
@given(body=st.binary(max_size=200))
def test_any_bytes_are_answered_over_grpc(server, body):
    with pytest.raises(grpc.RpcError) as refused:
        server.call("PredictionService", "Predict", body, predict_pb2.PredictResponse)
    assert refused.value.code().name in ("INVALID_ARGUMENT", "NOT_FOUND")


@FEW
@given(
    place=st.integers(0, 10_000), value=st.integers(0, 255), cut=st.integers(0, 10_000) | st.none()
)
def test_a_damaged_request_is_answered_over_grpc(server, place, value, cut):
    whole = bytearray(predict_request(x=[1.0, 2.0]).SerializeToString())
    whole[place % len(whole)] = value
    if cut is not None:
        whole = whole[: cut % len(whole)]
    assert outcome(server, bytes(whole)) in (
        "OK",
        "INVALID_ARGUMENT",
        "NOT_FOUND",
        "FAILED_PRECONDITION",
    )


@FEW
@given(
    dtype=st.integers(0, 30),
    sizes=st.lists(st.integers(-2, 5) | st.just(2**40), max_size=4),
    content=st.binary(max_size=40),
    floats=st.lists(st.floats(width=32), max_size=4),
)
def test_any_tensor_is_answered(server, dtype, sizes, content, floats):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "types"
    request.model_spec.signature_name = "string"
    tensor = request.inputs["x"]
    tensor.dtype = dtype
    for size in sizes:
        tensor.tensor_shape.dim.add().size = size
    tensor.tensor_content = content
    tensor.float_val.extend(floats)
    assert outcome(server, request) in ("OK", "INVALID_ARGUMENT", "RESOURCE_EXHAUSTED")
